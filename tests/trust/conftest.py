"""A real DNS server with the keys of the tests, and judges that ask it."""

from __future__ import annotations

import pytest

from pipeline.demo.dns_server import serve_keys
from pipeline.settings.single_tables import TrustSettings
from pipeline.trust.judge import Judge
from pipeline.trust.key_lookup import Resolver
from tests.trust.signing import ed_key, fetched, key_record, reading, rsa_key

KEYS = {
    "s1._domainkey.reporter.example": key_record(rsa_key("s1")),
    "s1._domainkey.corp.reporter.example": key_record(rsa_key("corp")),
    "old._domainkey.reporter.example": key_record(rsa_key("old", 1024)),
    "short._domainkey.reporter.example": key_record(rsa_key("short", 512)),
    "ed._domainkey.reporter.example": key_record(ed_key("ed")),
    "s1._domainkey.evil.example": key_record(rsa_key("evil")),
    "revoked._domainkey.reporter.example": "v=DKIM1; p=",
    "broken._domainkey.reporter.example": "v=DKIM1; k=rsa; p=AAAA",
    "junk._domainkey.reporter.example": "this is not a key",
    "testing._domainkey.reporter.example": key_record(rsa_key("s1"), "t=y; "),
}


@pytest.fixture(scope="session")
def _server():
    with serve_keys(KEYS) as server:
        yield server


@pytest.fixture
def keys(_server):
    """The server, as new: starting it for every test would cost more than the tests."""
    _server.zone = dict(KEYS)
    _server.behaviour.clear()
    _server.questions.clear()
    return _server


@pytest.fixture
def resolver(keys):
    return Resolver(keys.address, timeout=0.5)


@pytest.fixture
def judge(keys):
    """Judge one mail; keyword arguments are those of `[trust]` and of `Judge`."""

    def one(mail, *, account="rua", received_at=None, vouch_before=None, **settings):
        rules = TrustSettings(**{"dkim": "verify", "resolver": keys.address, "dns_timeout": 0.5, **settings})
        what = fetched(mail, account=account, **({} if received_at is None else {"received_at": received_at}))
        read = reading(mail, what.received_at)
        verdicts = Judge(rules, vouch_before=vouch_before).judge(what, read)
        assert len(verdicts) == len(read.parts) == 1, read
        return verdicts[0]

    return one
