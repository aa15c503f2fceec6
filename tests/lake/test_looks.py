"""The note of looks: what a run leaves of each mailbox at its beginning and its end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pipeline.lake import mailbox_looks
from pipeline.lake.mailbox_looks import Look, Looks
from pipeline.lake.storage.locate import locate
from pipeline.query import open_lake

NOW = datetime(2026, 5, 31, 7, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)


def look(run, hours, code=0, error="", messages=0, *, mailbox="rua"):
    began = NOW - hours * HOUR
    return Look(mailbox, f"r{run}", began, None if code is None else began + HOUR / 60, code, error, messages)


def test_a_look_that_failed_leaves_when_it_last_succeeded(tmp_path):
    where = locate(tmp_path)
    for one in (look(1, 5), look(2, 4, 77, "refused"), look(3, 3, 69, "gone"), look(4, 2, None)):
        mailbox_looks.begin(where, ["rua"], one.run_id, one.began_at)
        if one.exit_code is not None:
            mailbox_looks.end(where, [one])
    (seen,) = mailbox_looks.read_looks(where).seen
    assert (seen.first_try, seen.last_try, seen.failing_since, seen.error) == (NOW - 5 * HOUR, NOW - 2 * HOUR, NOW - 4 * HOUR, "gone")
    assert seen.last_success == NOW - 5 * HOUR + HOUR / 60
    noted = mailbox_looks.read_looks(where).looks
    assert [(one.run_id, one.exit_code) for one in noted] == [
        ("r1", 0),
        ("r2", 77),
        ("r3", 69),
        ("r4", None),
    ]


def test_a_thousand_looks_are_kept_of_each_mailbox_and_what_came_before_them_is_known():
    noted = mailbox_looks.with_looks(Looks(), [look(n, 2_000 - n) for n in range(1_500)] + [look(0, 3_000, mailbox="other")])
    assert len(noted.looks) == mailbox_looks.KEPT + 1
    assert {each.mailbox: each.first_try for each in noted.seen} == {"rua": NOW - 2_000 * HOUR, "other": NOW - 3_000 * HOUR}
    assert mailbox_looks.from_plain(mailbox_looks.to_plain(noted)) == noted


def test_the_view_runs_shows_them_and_is_empty_without(tmp_path):
    with open_lake(tmp_path) as lake:
        assert lake.sql("select * from runs").num_rows == 0
        before = lake.version
        mailbox_looks.end(locate(tmp_path), [look(1, 1, 77, "it's refused", 0), look(2, 0, 0, "", 3)])
        assert lake.sql("select mailbox, exit_code, error, messages from runs order by began_at").to_pylist() == [
            {"mailbox": "rua", "exit_code": 77, "error": "it's refused", "messages": 0},
            {"mailbox": "rua", "exit_code": 0, "error": "", "messages": 3},
        ]
        assert lake.version == before


def test_a_domain_of_ours_is_waited_for_since_a_run_first_knew_of_it(tmp_path):
    where = locate(tmp_path)
    mailbox_looks.begin(where, [], "r1", NOW - 48 * HOUR, ["example.org", "example.net"])
    mailbox_looks.begin(where, ["rua"], "r2", NOW, ["example.org", "example.com"])
    assert dict(mailbox_looks.read_looks(where).own) == {"example.org": (NOW - 48 * HOUR).date(), "example.com": NOW.date()}
