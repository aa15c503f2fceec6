"""The intake in this process: what the disk does is made up here, and time is a number."""

from __future__ import annotations

import asyncio
import errno
import gzip
import json
import os
import ssl
import threading
from contextlib import contextmanager, suppress
from typing import NamedTuple

import httpx
import pytest

from pipeline.errors import ConfigError, InputError
from pipeline.receive import server
from pipeline.receive.about import NamesOfOurs
from pipeline.receive.body import Bodies
from pipeline.receive.group_writer import GROUP_RECORDS, GroupWriter
from pipeline.receive.intake import MOST_ADDRESSES, PATH, Intake, IntakeRules, Rate, peer_of
from pipeline.report.limits import DEFAULT_LIMITS
from pipeline.settings.single_tables import ReceiveSettings
from pipeline.spool import POST, Deposit, Spool
from tests.authority import Authority
from tests.report_mails import document

BODY = gzip.compress(json.dumps(document(1)).encode())
HEAD = {"Content-Type": "application/tlsrpt+gzip"}


@pytest.fixture
def spool(tmp_path):
    spool = Spool(str(tmp_path / "spool"), full_percent=100)  # what is free on this machine's disk is not what is tested
    spool.make()
    return spool


def client(spool, **changes):
    rules = IntakeRules(NamesOfOurs((), DEFAULT_LIMITS), None, 100_000, 5.0, 0)._replace(**changes)
    return asked_in_process(Intake(spool, rules).application())


@contextmanager
def asked_in_process(app, around=None):
    """The application begun, and a client whose calls wait for their answer."""
    with asyncio.Runner() as runner:
        lifespan = app.router.lifespan_context(app)
        runner.run(lifespan.__aenter__())
        there = httpx.AsyncClient(transport=httpx.ASGITransport(around or app), base_url="https://reports.example.org")
        yield Asked(runner, there)
        runner.run(there.aclose())
        runner.run(lifespan.__aexit__(None, None, None))


class Asked(NamedTuple):
    runner: asyncio.Runner
    there: httpx.AsyncClient

    def post(self, *words, **kinds):
        return self.runner.run(self.there.post(*words, **kinds))

    def get(self, path):
        return self.runner.run(self.there.get(path))


def test_the_disk_has_it_before_the_answer_goes(spool, monkeypatch):
    told = []
    fsync, rename = os.fsync, os.rename
    monkeypatch.setattr(os, "fsync", lambda descriptor: (fsync(descriptor), told.append("synced"))[0])
    monkeypatch.setattr(os, "rename", lambda *names: (rename(*names), told.append("renamed"))[0])
    app = Intake(spool, IntakeRules(NamesOfOurs((), DEFAULT_LIMITS), None, 100_000, 5.0, 0)).application()

    async def noting(scope, receive, send):
        async def noted(event):
            if event["type"] == "http.response.start":
                told.append(event["status"])
            await send(event)

        await app(scope, receive, noted)

    with asked_in_process(app, noting) as asked:
        asked.post(PATH, content=BODY, headers=HEAD)
    assert told == ["synced", "renamed", "synced", 201]


@pytest.mark.parametrize(
    ("error", "status"), [(errno.ENOSPC, 507), (errno.EDQUOT, 507), (errno.EIO, 503), (errno.EROFS, 503), (errno.EACCES, 503)]
)
@pytest.mark.parametrize("call", ["open", "fsync", "rename"])
def test_a_disk_that_fails_is_no_2xx_and_leaves_nothing(spool, monkeypatch, call, error, status):
    with client(spool) as asked:

        def fails(*_args, **_kinds):
            raise OSError(error, os.strerror(error))

        with monkeypatch.context() as patched:
            if call == "open":
                patched.setattr("builtins.open", fails)
            else:
                patched.setattr(os, call, fails)
            refused = asked.post(PATH, content=BODY, headers=HEAD)
        assert refused.status_code == status
        assert "retry-after" in refused.headers
        assert spool.files() == []
        assert asked.post(PATH, content=BODY, headers=HEAD).status_code == 201


def test_a_disk_that_is_full_enough_takes_nothing_and_is_not_healthy(tmp_path):
    full = Spool(str(tmp_path / "spool"), full_percent=0)
    full.make()
    with client(full) as asked:
        assert asked.post(PATH, content=BODY, headers=HEAD).status_code == 507
        assert (asked.get("/health").status_code, asked.get("/health").text) == (503, "the disk is full\n")
    assert full.files() == []


def test_a_spool_that_has_gone_is_503(tmp_path):
    with client(Spool(str(tmp_path / "gone"))) as asked:
        assert asked.post(PATH, content=BODY, headers=HEAD).status_code == 503
        assert asked.get("/health").status_code == 503


def test_who_posts_too_much_is_told_when_to_come_again(spool):
    with client(spool, per_minute=2) as asked:
        statuses = [asked.post(PATH, content=BODY, headers=HEAD) for _ in range(3)]
    assert [each.status_code for each in statuses] == [201, 201, 429]
    assert statuses[2].headers["retry-after"] == "30"


def test_a_rate_is_per_address_and_of_ipv6_per_site():
    rate = Rate(2)
    assert [rate.admits("192.0.2.1", 0.0) for _ in range(3)] == [True, True, False]
    assert rate.admits("192.0.2.2", 0.0)
    assert rate.admits("192.0.2.1", 30.0)
    assert not rate.admits("192.0.2.1", 30.0)
    assert [rate.admits(f"2001:db8::{number}", 0.0) for number in range(3)] == [True, True, False]
    assert rate.admits("2001:db8:0:1::1", 0.0)
    for number in range(MOST_ADDRESSES * 2):
        rate.admits(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", 0.0)
    assert len(rate._seen) == MOST_ADDRESSES
    assert all(Rate(0).admits("-", 0.0) for _ in range(1000))


@pytest.mark.parametrize(
    ("host", "peer"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("FE80::1%eth0", "fe80::1"),
        ("<b>", "-"),
        ("", "-"),
        ("testclient", "-"),
    ],
)
def test_an_address_is_written_in_one_way(host, peer):
    assert peer_of(host) == peer
    assert Rate(1).admits(peer, 0.0)


def test_all_bodies_together_have_a_bound(spool):
    class Request:
        def __init__(self, *pieces):
            self.headers, self.pieces = {}, pieces

        async def stream(self):
            for piece in self.pieces:
                yield piece

    async def go():
        bodies = Bodies(most=100, seconds=5, together=150)
        first = await bodies.read(Request(b"x" * 50, b"x" * 50))
        with pytest.raises(Exception, match="too much") as refused:
            await bodies.read(Request(b"x" * 50, b"x" * 1))
        assert refused.value.status == 503
        bodies.release(first)
        assert len(await bodies.read(Request(b"x" * 100))) == 100

    asyncio.run(go())


def test_posts_that_wait_share_a_file_and_each_learns_of_its_own(spool):
    """While one group is written, what comes meanwhile is the next group."""

    async def go():
        writing, go_on = threading.Event(), threading.Event()
        groups = []

        class Slow:
            def put(self, records):
                groups.append(len(records))
                writing.set()
                assert go_on.wait(120)
                if any(record.content == b"bad" for record in records):
                    raise OSError(errno.EIO, "made up")
                return spool.put(records)

        writer = GroupWriter(Slow())
        first = asyncio.ensure_future(writer.put(Deposit(POST, "-", b"first")))
        await asyncio.to_thread(writing.wait, 120)
        rest = [asyncio.ensure_future(writer.put(Deposit(POST, "-", b"%d" % number))) for number in range(GROUP_RECORDS)]
        bad = asyncio.ensure_future(writer.put(Deposit(POST, "-", b"bad")))
        gone = asyncio.ensure_future(writer.put(Deposit(POST, "-", b"gone")))
        await asyncio.sleep(0)
        gone.cancel()
        assert not first.done()
        go_on.set()
        await asyncio.gather(first, *rest)
        with pytest.raises(OSError, match="made up"):
            await bad
        await writer.close()
        return groups

    assert asyncio.run(go()) == [1, GROUP_RECORDS, 2]
    assert sorted(len(spool.entries(file)) for file in spool.files()) == [1, GROUP_RECORDS]


@pytest.mark.parametrize(
    ("name", "text"),
    [("example.org", "Example.ORG"), ("xn--bcher-kva.example", "bücher.example"), ("mx.example.net", '"mx.example.net"')],
)
def test_a_name_of_ours_is_seen_however_it_is_spelled(name, text):
    ours = NamesOfOurs((name,), DEFAULT_LIMITS)
    assert ours.refusal_of(f'{{"policy-domain": "{text}"}}'.encode()) is None
    assert "names no domain" in ours.refusal_of(b'{"policy-domain": "other.example"}')


def test_a_renewed_certificate_is_taken_and_a_broken_one_is_not(tmp_path):
    authority = Authority("renewal")

    def write(name):
        certificate, key = authority.issue(name)
        (tmp_path / "cert.pem").write_bytes(certificate)
        (tmp_path / "key.pem").write_bytes(key)

    def names_shown():
        shown = ssl.MemoryBIO(), ssl.MemoryBIO()
        there = ssl.create_default_context(cadata=authority.certificate_pem.decode())
        asking = there.wrap_bio(*shown, server_hostname="two.example")
        answering = running.config.ssl.wrap_bio(shown[1], shown[0], server_side=True)
        for _ in range(4):
            for side in (asking, answering):
                with suppress(ssl.SSLWantReadError):
                    side.do_handshake()
        return asking.getpeercert()["subjectAltName"]

    write("one.example")
    settings = ReceiveSettings(spool=str(tmp_path / "spool"), cert_file=str(tmp_path / "cert.pem"), key_file=str(tmp_path / "key.pem"))
    rules = IntakeRules(NamesOfOurs((), DEFAULT_LIMITS), None, 1000, 1.0, 0)
    config = server._config(settings, Intake(Spool(settings.spool), rules))
    running = server._Server(config, settings.cert_file, settings.key_file)
    with pytest.raises(ssl.SSLCertVerificationError):
        names_shown()
    write("two.example")
    running.look_at_certificate()
    assert names_shown() == (("DNS", "two.example"),)
    (tmp_path / "cert.pem").write_text("half")
    running.look_at_certificate()
    assert names_shown() == (("DNS", "two.example"),)


def test_what_cannot_be_begun_is_one_sentence(tmp_path):
    def refused(**changes):
        from pipeline.config import Settings

        server.serve(Settings(receive=ReceiveSettings(**{"spool": str(tmp_path / "spool"), "port": 0, **changes})))

    (tmp_path / "file").touch()
    (tmp_path / "short").write_text("short")
    with pytest.raises(ConfigError, match="no spool"):
        refused(spool="")
    with pytest.raises(InputError, match="cannot be written"):
        refused(spool=str(tmp_path / "file" / "spool"))
    with pytest.raises(ConfigError, match="cert_file"):
        refused(cert_file=str(tmp_path / "none.pem"))
    with pytest.raises(ConfigError, match="fewer than 16"):
        refused(token_file=str(tmp_path / "short"))
    with pytest.raises(InputError, match="listened on"):
        refused(address="192.0.2.1")
