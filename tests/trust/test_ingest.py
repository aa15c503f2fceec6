"""From a real mailbox to the sessions that count: what proof, and the want of it, does to them."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from tests.ingest.conftest import tlsrpt  # noqa: F401
from tests.ingest.polling import setup
from tests.lake.content import counted, rows, sums
from tests.mailbox.conftest import server, user  # noqa: F401
from tests.trust.signing import RECEIVED, report_json, report_mail, rsa_key, sign

pytestmark = pytest.mark.dovecot

REAL = sign(report_mail(report_json(sessions=7)), rsa_key("s1"))
FORGED = sign(report_mail(report_json(sessions=9_000)), rsa_key("forger"))


@pytest.fixture
def box(tlsrpt, server, user, keys, tmp_path):  # noqa: F811
    class Box:
        def __init__(self):
            self.setup = self.configured()

        def configured(self, **trust):
            table = {"dkim": "verify", "resolver": keys.address, "dns_timeout": 0.5, **trust}
            more = "[trust]\n" + "".join(f"{name} = {json.dumps(value)}\n" for name, value in table.items())
            return setup(tmp_path, server, user, more=more)

        def deliver(self, *mails, received_at=RECEIVED):
            for mail in mails:
                server.deliver(user.name, mail, received_at=received_at)

        def ingest(self, *words):
            ran = tlsrpt.run(*self.setup.argv(*words))
            assert ran.code == 0, ran.err
            return ran.summary

        def successes(self):
            """Sessions of the reports that count by tier and are not superseded."""
            good = {
                row["report_key"] for row in rows(self.setup.lake, "reports") if row["trust_tier"] in {"verified", "attested", "vouched"}
            }
            good &= counted(self.setup.lake)
            return sum(row["success_count"] for row in rows(self.setup.lake, "policies") if row["report_key"] in good)

        def tiers(self):
            return sorted(row["trust_tier"] for row in rows(self.setup.lake, "messages"))

    return Box()


@pytest.mark.parametrize("mails", [(REAL, FORGED), (FORGED, REAL)], ids=["the real one first", "the forged one first"])
def test_a_forged_report_with_the_same_id_hides_nothing_whichever_comes_first(box, mails):
    for mail in mails:
        box.deliver(mail)
        box.ingest()
    assert box.tiers() == ["unverified", "verified"]
    assert box.successes() == 7
    assert sums(box.setup.lake)[0] == 7


def test_an_imported_forgery_hides_nothing(box, tmp_path):
    (tmp_path / "forged.eml").write_bytes(FORGED)
    box.ingest(str(tmp_path / "forged.eml"))
    assert box.successes() == 9_000, "the operator vouches for it, and nothing better is there"
    box.deliver(REAL)
    box.ingest()
    assert box.successes() == 7


def test_mail_that_came_while_the_dns_was_down_counts_when_it_is_back(box, keys):
    keys.behave("servfail")
    box.deliver(REAL)
    assert box.ingest()["pending"] == 1
    assert (box.tiers(), box.successes()) == (["unverified"], 0)
    assert box.ingest()["messages"] == 0
    keys.behave("answer")
    box.ingest()
    assert (box.tiers(), box.successes()) == (["verified"], 7)
    (message,) = rows(box.setup.lake, "messages")
    assert message["changed_at"] > message["ingested_at"]
    asked = len(keys.questions)
    box.ingest()
    assert len(keys.questions) == asked


def test_an_old_mailbox_counts_as_far_as_signatures_were_valid_when_received(box):
    stamp = int(RECEIVED.timestamp())
    expiring = sign(report_mail(report_json(sessions=5)), rsa_key("s1"), tags=f"t={stamp}; x={stamp + 7 * 86_400}; ")
    box.deliver(expiring)
    box.ingest()
    assert (box.tiers(), box.successes()) == (["verified"], 5)


def test_old_mail_whose_key_is_gone_counts_when_the_operator_vouches_for_its_time(box, keys):
    del keys.zone["s1._domainkey.reporter.example"]
    box.deliver(REAL)
    box.ingest("--vouch-before", f"{RECEIVED:%Y-%m-%d}")
    assert (box.tiers(), box.successes()) == (["unverified"], 0)
    box.deliver(sign(report_mail(report_json(sessions=11, report_id="r2")), rsa_key("s1")))
    box.deliver(sign(report_mail(report_json(sessions=100, report_id="r3")), rsa_key("s1")), received_at=RECEIVED + timedelta(days=2))
    box.ingest("--vouch-before", f"{RECEIVED + timedelta(days=1):%Y-%m-%d}")
    assert box.tiers() == ["unverified", "vouched", "vouched"], "mail that was ingested before, and new mail"
    assert box.successes() == 7 + 11
    before = rows(box.setup.lake, "messages")
    box.ingest("--vouch-before", f"{RECEIVED + timedelta(days=1):%Y-%m-%d}")
    assert rows(box.setup.lake, "messages") == before, "once is enough"


def test_a_forgery_that_was_vouched_for_does_not_hide_what_is_proved(box):
    box.deliver(FORGED, REAL)
    box.ingest()
    box.ingest("--vouch-before", f"{RECEIVED + timedelta(days=1):%Y-%m-%d}")
    assert box.tiers() == ["verified", "vouched"]
    assert box.successes() == 7


def test_a_stranger_fills_his_share_of_the_day_and_the_rest_waits(box):
    box.setup = box.configured(unknown_submitter_per_day=3)
    box.deliver(*(sign(report_mail(report_json(report_id=f"r{number}")), rsa_key("s1")) for number in range(5)))
    first = box.ingest()
    assert (first["messages"], first["deferred"]) == (3, 2)
    again = box.ingest()
    assert (again["messages"], again["deferred"]) == (0, 2)
    box.setup = box.configured(unknown_submitter_per_day=3, reporters=["reporter.example"])
    known = box.ingest()
    assert (known["messages"], known["deferred"]) == (2, 0)
