"""Reports posted over HTTPS: nothing says who sent them, and mail that says the same counts in their place."""

from __future__ import annotations

import gzip
import json

import pytest

from pipeline.cli import main
from pipeline.spool import PIPE, POST, Deposit, Spool
from tests.ingest.conftest import tlsrpt  # noqa: F401
from tests.lake.content import counted, rows
from tests.report_mails import document
from tests.trust.signing import report_json, report_mail, rsa_key, sign

REPORT = report_json(sessions=7)
BODY = gzip.compress(REPORT if isinstance(REPORT, bytes) else REPORT.encode())
SIGNED = sign(report_mail(REPORT), rsa_key("s1"))


@pytest.fixture
def spool(tmp_path):
    return Spool(str(tmp_path / "spool"))


@pytest.fixture
def ingest(tlsrpt, spool, keys, tmp_path):  # noqa: F811
    def run(*words, **trust):
        table = {"resolver": keys.address, "dns_timeout": 0.5, **trust}
        text = "".join(f"{name} = {json.dumps(value)}\n" for name, value in table.items())
        (tmp_path / "tlsrpt.toml").write_text(f'[receive]\nspool = "{spool.folder}"\n[trust]\n{text}')
        command = ("--config", tmp_path / "tlsrpt.toml", "--lake", tmp_path / "lake")
        ran = tlsrpt.run(*command, *(words or ("ingest", "--workers", "0")))
        assert ran.code == 0, ran.err
        return ran.out

    return run


def tiers(tmp_path):
    lake = tmp_path / "lake"
    return {row["trust_tier"]: row["report_key"] in counted(lake) for row in rows(lake, "reports")}


def test_a_post_is_kept_and_does_not_count_unless_configured(ingest, spool, tmp_path):
    spool.put([Deposit(POST, "192.0.2.7", BODY)])
    ingest()
    assert tiers(tmp_path) == {"posted": True}
    (row,) = rows(tmp_path / "lake", "messages")
    assert (row["account"], row["folder"], row["outcome"], row["auth_method"]) == ("posted", "192.0.2.7", "stored", "none")
    assert spool.files() == []
    said = ingest("status")
    assert "1 report, 0 count" in said
    assert "posted over HTTPS" in said


@pytest.mark.parametrize("order", [(POST, PIPE), (PIPE, POST)])
def test_the_same_report_by_mail_supersedes_it_whichever_comes_first(ingest, spool, tmp_path, order):
    for way in order:
        spool.put([Deposit(way, "192.0.2.7", BODY if way == POST else SIGNED)])
        ingest(count=["verified", "posted"])
    assert tiers(tmp_path) == {"posted": False, "verified": True}


def test_a_network_of_the_operators_is_vouched_for_and_no_other(ingest, spool, tmp_path):
    peers = ("192.0.2.7", "198.51.100.7", "2001:db8::7", "-")
    spool.put([Deposit(POST, peer, json.dumps(document(number)).encode()) for number, peer in enumerate(peers)])
    words = ("ingest", "--workers", "1")  # the workers have to be told
    ingest(*words, posted_from=["192.0.2.0/24", "2001:db8::/32"], dkim="off")
    got = {row["folder"]: row["trust_tier"] for row in rows(tmp_path / "lake", "messages")}
    assert got == {"192.0.2.7": "vouched", "198.51.100.7": "posted", "2001:db8::7": "vouched", "-": "posted"}


def test_neither_a_vouched_day_nor_a_rebuild_makes_it_more(ingest, spool, tmp_path):
    spool.put([Deposit(POST, "192.0.2.7", BODY), Deposit(POST, "192.0.2.7", json.dumps(document(3)).encode())])
    ingest("ingest", "--workers", "0", "--vouch-before", "2026-11-01")
    ingest("ingest", "--workers", "0", "--vouch-before", "2026-11-01")
    ingest("rebuild")
    assert [row["trust_tier"] for row in rows(tmp_path / "lake", "reports")] == ["posted", "posted"]


def test_erasing_a_domain_reaches_the_spool(ingest, spool, tmp_path):
    spool.put([Deposit(POST, "-", json.dumps(document(0)).encode())])
    ingest()
    spool.put(
        [Deposit(POST, "-", json.dumps(document(1)).encode()), Deposit(POST, "-", json.dumps(document(2, domain="example.net")).encode())]
    )
    ingest("maintain", "--erase", "example.org")
    ingest()
    assert spool.files() == []
    assert {row["report_domain"] for row in rows(tmp_path / "lake", "policies")} == {"example.net"}


def test_erase_with_repair_is_refused_before_the_spool_is_touched(ingest, spool, tmp_path):
    ingest()
    spool.put([Deposit(POST, "-", json.dumps(document(0)).encode())])
    before = spool.files()
    command = [
        "--config",
        str(tmp_path / "tlsrpt.toml"),
        "--lake",
        str(tmp_path / "lake"),
        "maintain",
        "--repair",
        "--erase",
        "example.org",
    ]
    assert main(command) == 2
    assert spool.files() == before


def test_who_posts_from_a_hundred_addresses_is_one_line_of_status(ingest, spool):
    spool.put([Deposit(POST, f"192.0.2.{number}", json.dumps(document(number)).encode()) for number in range(5)])
    ingest()
    lines = [line for line in ingest("status").splitlines() if line.startswith("mailbox")]
    assert len(lines) == 1
    assert "posted" in lines[0]
    assert "5 messages" in lines[0]
