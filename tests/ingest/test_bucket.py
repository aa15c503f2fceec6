"""The whole program on a lake in a bucket: a real mailbox, a real object storage, the command line."""

from __future__ import annotations

import json

import pytest

from pipeline.lake.storage.locate import locate
from tests.ingest.polling import ledger_keys, sessions, setup
from tests.lake.content import rows
from tests.report_mails import mail

pytestmark = pytest.mark.dovecot

REPORTS = 24
WAITING = "[lake]\nwait_seconds = 90.0\n"


@pytest.fixture
def place(storage, bucket):
    """The address of an empty lake, and what a program needs to get there."""
    return bucket, {**storage.environment(), "TLSRPT_TEST_LEASE_SECONDS": "2"}


@pytest.fixture
def filled(server, user, tmp_path, place):
    """A mailbox with reports, and the configuration of a poller that moves them and waits for others."""
    server.deliver_all(user.name, [mail(number, bad=1) for number in range(REPORTS)])
    return server, user, setup(tmp_path, server, user, more=WAITING, after="move")._replace(lake=place[0])


def is_complete(lake) -> None:
    assert sessions(lake) == sum(range(1, REPORTS + 1))
    assert len(ledger_keys(lake)) == len(set(ledger_keys(lake))) == REPORTS
    assert len({row["report_key"] for row in rows(lake, "reports")}) == len(rows(lake, "reports")) == REPORTS
    assert locate(lake).store.walk("_staging") == []


def test_four_pollers_at_once_feed_one_lake_and_count_nothing_twice(tlsrpt, filled, place):
    lake, environment = place
    _, _, box = filled
    environment["TLSRPT_TEST_LEASE_SECONDS"] = "20"
    ended = [tlsrpt.end(pid) for pid in [tlsrpt.begin(*box.argv(), **environment) for _ in range(4)]]
    assert [(ran.code, ran.err) for ran in ended if ran.code] == []
    assert sum(ran.summary["reports_new"] for ran in ended) == REPORTS
    is_complete(lake)


def test_a_poller_that_finds_the_lake_busy_and_may_not_wait_says_who_writes(tlsrpt, server, user, tmp_path, place):
    lake, environment = place
    box = setup(tmp_path, server, user)._replace(lake=lake)
    with locate(lake).writer_lock():
        ran = tlsrpt.run(*box.argv(), **environment)
    assert (ran.code, len(ran.err.strip().splitlines())) == (75, 1)
    assert "another run is writing to the lake s3://" in ran.err


@pytest.mark.parametrize("point", ["stage-file:2", "staged:1", "committed-reports:1", "committed-messages:1", "before-treating:1"])
def test_a_killed_poller_is_finished_by_the_next(tlsrpt, filled, place, point):
    lake, environment = place
    server, user, box = filled
    killed = tlsrpt.run(*box.argv(), **environment, TLSRPT_TEST_FAILPOINT=point)
    assert killed.signal == 9
    ran = tlsrpt.run(*box.argv(), **environment)
    assert ran.code == 0, ran.err
    is_complete(lake)
    assert len(server.flags(user.name, "Processed")) == REPORTS


ASKED = [
    [
        "sql",
        "select report_domain, sum(success_count), sum(failure_count) from counted_policies group by all order by all",
        "--format",
        "json",
    ],
    ["incidents", "--as-of", "2026-06-01", "--format", "json"],
    ["coverage", "--as-of", "2026-06-01", "--format", "json"],
    ["questions", "run", "sessions_by_domain", "--since", "2026-01-01", "--until", "2026-06-01", "--format", "csv"],
    ["rejects", "--format", "json"],
    ["schema", "--format", "json"],
]


def test_every_command_answers_on_it_as_on_a_folder(tlsrpt, tmp_path, place):
    lake, environment = place
    folder = tmp_path / "lake"
    mails = tmp_path / "mails"
    mails.mkdir()
    for number in range(6):
        (mails / f"{number}.eml").write_bytes(mail(number, bad=1))
    (mails / "broken.json").write_bytes(b'{"report-id": 1, "policies": [}')
    for where in (lake, folder):
        ran = tlsrpt.run("--lake", where, "ingest", "--format", "json", mails, **environment)
        assert (ran.code, ran.summary["reports_new"], ran.summary["quarantined"]) == (0, 6, 1), ran.err
    for argv in ASKED:
        there, here = (tlsrpt.run("--lake", where, *argv, **environment) for where in (lake, folder))
        assert (there.code, here.code) == (0, 0), there.err
        if argv[0] != "rejects":
            assert there.out == here.out, argv
    reject = json.loads(tlsrpt.run("--lake", lake, "rejects", "--format", "json", **environment).out)[0]
    assert tlsrpt.run("--lake", lake, "rejects", "show", reject["message_sha256"], **environment).code == 0
    for argv in (
        ["status"],
        ["doctor"],
        ["rebuild"],
        ["maintain"],
        ["report", "example.org", "-o", tmp_path / "report.html"],
        ["readiness", "example.org"],
        ["export", tmp_path / "sessions.parquet"],
        ["export", tmp_path / "lake.duckdb"],
        ["maintain", "--erase", "example.org"],
    ):
        ran = tlsrpt.run("--lake", lake, *argv, **environment)
        assert ran.code == 0, (argv, ran.err)


def test_wrong_keys_and_a_missing_bucket_are_one_sentence_each(tlsrpt, place):
    lake, environment = place
    ran = tlsrpt.run("--lake", lake, "status", **{**environment, "AWS_SECRET_ACCESS_KEY": "wrong"})
    assert (ran.code, len(ran.err.strip().splitlines())) == (77, 1)
    ran = tlsrpt.run("--lake", "s3://not-there/lake", "status", **environment)
    assert (ran.code, len(ran.err.strip().splitlines())) == (78, 1)
