"""`incidents`, `readiness` and `coverage` as somebody calls them, on a real lake: output, exit codes, what is remembered."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta

import pytest

from pipeline.cli import main
from pipeline.errors import TryAgainError
from pipeline.lake.mailbox_looks import Look, end
from pipeline.lake.storage.locate import locate
from pipeline.lake.storage.notes import open_note
from pipeline.notify.cron_channel import NAME
from pipeline.notify.mute_notes import mute
from pipeline.query import open_lake
from tests.insight.book import DOMAIN, GOOGLE, MAILRU, MICROSOFT, MX1, Book, Fail, day, sts

EXPIRED = Fail("certificate-expired", 40)
CONFIGURATION = """
[trust]
reporters = ["mail.ru"]
"""


def month(last: int = 29, *, until: int | None = None) -> Book:
    """Healthy but for an expired certificate from day 20 on."""
    book = Book()
    for reporter in (GOOGLE, MICROSOFT, MAILRU):
        for number in range(last + 1):
            book.add(reporter, number, sts(60, EXPIRED) if 20 <= number <= (until or last) else sts(100))
    return book


@pytest.fixture
def tlsrpt(tmp_path, capsys):
    """Run the command line; returns the exit code, standard output and standard error."""
    (tmp_path / "tlsrpt.toml").write_text(CONFIGURATION)

    def run(*arguments, last: int | None = 29):
        as_of = ("--as-of", str(day(last) + timedelta(days=2))) if last is not None else ()
        code = main(["--config", str(tmp_path / "tlsrpt.toml"), "--lake", str(tmp_path / "lake"), *map(str, arguments), *as_of])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


@pytest.fixture
def lake(tmp_path):
    return month().write(tmp_path / "lake")


def test_incidents_is_a_table_of_what_fails(tlsrpt, lake):
    code, out, err = tlsrpt("incidents")
    assert code == 0
    assert err.splitlines() == [
        "tlsrpt: Rests on 9,000 sessions in 90 reports of 3 reporters on 30 days (2026-01-01 to 2026-04-02).",
        "tlsrpt: [domains] own is not set, so every domain counts as yours.",
    ]
    heading, _, row = out.splitlines()
    assert heading.split()[:4] == ["id", "state", "fault", "domain"]
    assert row.split()[1:4] == ["open", "ours", DOMAIN]


def test_incidents_as_json_is_a_list_and_nothing_else(tlsrpt, lake):
    code, out, err = tlsrpt("incidents", "--format", "json")
    (found,) = json.loads(out)
    assert (code, err, found["cause"], found["mx_hosts"]) == (0, "", "mx-certificate-expired", [MX1])
    assert (len(found["report_keys"]), found["report_count"]) == (20, 30)
    assert found["reporters"] == [GOOGLE, MAILRU, MICROSOFT]


def test_incidents_as_csv_has_the_promised_members(tlsrpt, lake):
    _, out, _ = tlsrpt("incidents", "--format", "csv")
    (row,) = csv.DictReader(io.StringIO(out))
    assert (row["domain"], row["fault"], row["failed_sessions"]) == (DOMAIN, "ours", "1200")
    assert (row["mx_hosts"], row["reporters"]) == (MX1, f"{GOOGLE}; {MAILRU}; {MICROSOFT}")


def test_report_keys_are_the_newest_twenty_unless_all_are_asked_for(tlsrpt, tmp_path):
    month(40).write(tmp_path / "lake")
    (some,) = json.loads(tlsrpt("incidents", "--format", "json", last=40)[1])
    (everything,) = json.loads(tlsrpt("incidents", "--format", "json", "--all", last=40)[1])
    assert (len(some["report_keys"]), len(everything["report_keys"]), some["report_count"]) == (20, 63, 63)


def test_one_incident_is_told_in_full(tlsrpt, lake):
    (found,) = json.loads(tlsrpt("incidents", "--format", "json")[1])
    code, out, _ = tlsrpt("incidents", found["id"])
    assert code == 0
    assert "What it means (RFC 8461 §4.2): The certificate that mx1.example.org presents has expired (since" in out
    assert "    $ openssl s_client -starttls smtp -connect mx1.example.org:25" in out
    assert "Why this verdict: google.com, mail.ru and microsoft.com count 1,200 failed sessions" in out
    assert found["report_keys"][0] in out
    code, out, _ = tlsrpt("incidents", found["id"], "--format", "json")
    assert json.loads(out)["id"] == found["id"]


def test_an_id_that_is_none_is_a_mistake_of_usage(tlsrpt, lake):
    code, out, err = tlsrpt("incidents", "0123456789ab")
    assert (code, out) == (2, "")
    assert "there is no incident '0123456789ab'" in err


def test_a_lake_that_is_not_there_is_refused(tlsrpt, tmp_path):
    for command in (("incidents",), ("incidents", "--new-since-last"), ("coverage",), ("readiness", DOMAIN)):
        code, out, err = tlsrpt(*command)
        assert (code, out) == (66, "")
        assert f"there is no lake at {tmp_path}/lake" in err
    assert not (tmp_path / "lake").exists()


def test_an_empty_lake_has_no_incidents(tlsrpt, tmp_path):
    (tmp_path / "lake").mkdir()
    code, out, err = tlsrpt("incidents")
    assert (code, out) == (0, "no conclusion: nothing counts\n")
    assert "no report has come yet" in err
    assert tlsrpt("incidents", "--format", "json")[:2] == (0, "[]\n")
    assert tlsrpt("incidents", "--new-since-last", "--fail-on", "ours") == (0, "", "")


@pytest.mark.parametrize(("fail_on", "code"), [("ours", 1), ("any", 1), (None, 0)])
def test_fail_on_ends_with_one_where_something_is_found(tlsrpt, lake, fail_on, code):
    assert tlsrpt("incidents", *(("--fail-on", fail_on) if fail_on else ()))[0] == code


def test_what_is_over_does_not_fail(tlsrpt, tmp_path):
    month(29, until=25).write(tmp_path / "lake")
    assert tlsrpt("incidents", "--fail-on", "any")[0] == 0


def test_new_since_last_tells_once_and_is_silent_on_a_quiet_day(tlsrpt, lake):
    code, out, err = tlsrpt("incidents", "--new-since-last", "--fail-on", "ours")
    assert (code, err) == (1, "")
    assert out.startswith("NEW: not reported before\nexample.org: certificate of the MX host has expired\n")
    assert tlsrpt("incidents", "--new-since-last", "--fail-on", "ours") == (0, "", "")


def test_new_since_last_tells_when_it_is_over(tlsrpt, tmp_path):
    month(25).write(tmp_path / "lake")
    assert tlsrpt("incidents", "--new-since-last", "--fail-on", "ours", last=25)[0] == 1
    month(29, until=25).write(tmp_path / "lake")
    code, out, _ = tlsrpt("incidents", "--new-since-last", "--fail-on", "ours", last=29)
    assert (code, out.splitlines()[0]) == (0, "OVER: no such failure since 2026-03-27")
    assert tlsrpt("incidents", "--new-since-last", last=29) == (0, "", "")


def test_new_since_last_says_once_that_nothing_counts_and_is_never_content_with_it(tlsrpt, tmp_path):
    Book().every_day(GOOGLE, 0, 29, sts(60, EXPIRED), tier="unverified").write(tmp_path / "lake")
    code, out, err = tlsrpt("incidents", "--new-since-last")
    assert (code, out) == (1, "")
    assert "Nothing is known: none of the 30 reports" in err
    assert "--vouch-before" in err
    assert tlsrpt("incidents", "--new-since-last") == (1, "", "")
    month().write(tmp_path / "lake")
    assert tlsrpt("incidents", "--new-since-last")[1].startswith("NEW")
    assert tlsrpt("incidents", "--new-since-last") == (0, "", "")


def test_new_since_last_as_json_says_what_kind_of_news(tlsrpt, lake):
    (found,) = json.loads(tlsrpt("incidents", "--new-since-last", "--format", "json")[1])
    assert (found["news"], found["cause"]) == ("new", "mx-certificate-expired")
    assert json.loads(tlsrpt("incidents", "--new-since-last", "--format", "json")[1]) == []


def test_asking_about_one_domain_forgets_nothing_of_the_others(tlsrpt, tmp_path):
    book = month()
    for reporter in (GOOGLE, MICROSOFT):
        book.every_day(reporter, 20, 29, sts(60, EXPIRED), domain="example.net")
    book.write(tmp_path / "lake")
    assert len(json.loads(tlsrpt("incidents", "--new-since-last", "--format", "json")[1])) == 2
    assert tlsrpt("incidents", "--new-since-last", "--domain", DOMAIN)[1] == ""
    assert tlsrpt("incidents", "--new-since-last") == (0, "", "")


def test_what_was_told_is_in_the_lake_and_a_damaged_note_is_said(tlsrpt, lake):
    tlsrpt("incidents", "--new-since-last")
    (note,) = (lake / "_notes").glob("*.json")
    assert [entry["cause"] for entry in json.loads(note.read_text())["channels"][NAME]["memory"]["incidents"]["told"]] == [
        "mx-certificate-expired"
    ]
    note.write_text("{")
    code, out, err = tlsrpt("incidents", "--new-since-last")
    assert (code, out) == (74, "")
    assert "remove it; all incidents will be reported again" in err


def test_what_an_earlier_version_told_is_not_told_again_and_what_is_muted_is_not_told(tlsrpt, lake):
    note = lake / "_notes" / "told.json"
    tlsrpt("incidents", "--new-since-last")
    memory = json.loads((lake / "_notes" / "outbox.json").read_text())["channels"][NAME]["memory"]
    (lake / "_notes" / "outbox.json").unlink()
    note.write_text(json.dumps({**memory["incidents"], "mailboxes": []}))
    assert tlsrpt("incidents", "--new-since-last") == (0, "", "")
    note.unlink()
    with open_lake(lake) as opened:
        found = opened.incidents(as_of=day(31))
    mute(locate(lake), found, found[0].id, until=None, reason="known", by="ops", today=day(31))
    assert tlsrpt("incidents", "--new-since-last") == (0, "", "")


def test_two_at_once_do_not_tell_the_same_twice(tlsrpt, lake, monkeypatch):
    monkeypatch.setattr("pipeline.lake.storage.location.NOTE_SECONDS", 0.2)
    with open_note(locate(lake), "told"):
        code, out, err = tlsrpt("incidents", "--new-since-last")
        assert (code, out) == (75, "")
        assert "try again" in err
        with pytest.raises(TryAgainError), open_note(locate(lake), "told"):
            pass
    assert tlsrpt("incidents", "--new-since-last")[1].startswith("NEW")


def test_writers_of_the_lake_are_not_held_up(lake):
    with open_note(locate(lake), "told"):
        month(31).write(lake)


def test_readiness_says_verdict_reasons_and_the_next_step(tlsrpt, lake):
    code, out, err = tlsrpt("readiness", "Example.ORG.")
    assert code == 0
    assert err.startswith("tlsrpt: Rests on 8,400 sessions in 84 reports about example.org of 3 reporters on 28 days")
    assert out.startswith("example.org: not-ready, as of 2026-04-02, from 28 complete days")
    assert "sessions that would have been refused (1,200), newest first:" in out
    assert "is over, stay in testing." in out


def test_readiness_as_json_is_one_object(tlsrpt, lake):
    code, out, _ = tlsrpt("readiness", DOMAIN, "--format", "json")
    found = json.loads(out)
    assert (code, found["verdict"], found["days"], found["would_refuse"]) == (0, "not-ready", 28, 1200)
    assert found["blocking"] == [json.loads(tlsrpt("incidents", "--format", "json")[1])[0]["id"]]


def test_readiness_as_csv_is_the_replay(tlsrpt, lake):
    rows = list(csv.DictReader(io.StringIO(tlsrpt("readiness", DOMAIN, "--format", "csv")[1])))
    assert len(rows) == 28 * 3
    assert sum(int(row["would_refuse"]) for row in rows) == 1200


@pytest.mark.parametrize("command", [("readiness",), ("incidents", "--domain"), ("coverage", "--domain")])
def test_a_domain_nobody_knows_is_refused_with_a_suggestion(tlsrpt, lake, command):
    code, out, err = tlsrpt(*command, DOMAIN.replace("e", "ee", 1))
    assert (code, out) == (2, "")
    assert f"did you mean {DOMAIN}?" in err
    assert tlsrpt(*command, f" {DOMAIN.upper()}. ")[0] == 0


def test_coverage_is_a_line_for_each_reporter_and_domain(tlsrpt, lake):
    code, out, _ = tlsrpt("coverage", "--format", "json")
    found = json.loads(out)
    assert (code, [line["reporter"] for line in found], {line["state"] for line in found}) == (
        0,
        [GOOGLE, MAILRU, MICROSOFT],
        {"reporting"},
    )


def test_coverage_says_on_standard_error_that_it_is_our_ingest(tlsrpt, lake):
    code, out, err = tlsrpt("coverage", last=40)
    assert (code, "ingest-outage" in out) == (0, True)
    assert "every reporter stopped at once" in err


@pytest.mark.parametrize("arguments", [("incidents", "--days", "0"), ("incidents", "--days", "x"), ("coverage", "--as-of", "yesterday")])
def test_mistakes_of_usage_end_with_two(tlsrpt, lake, arguments):
    try:
        code, _, err = tlsrpt(*arguments, last=None)
    except SystemExit as ended:
        code, err = ended.code, ""
    assert code == 2
    assert "Traceback" not in err


def test_an_id_and_news_exclude_each_other(tlsrpt, lake):
    assert tlsrpt("incidents", "0123456789ab", "--new-since-last")[0] == 2


def test_what_a_sender_wrote_does_nothing_in_a_terminal(tlsrpt, tmp_path):
    book = Book()
    for reporter in (GOOGLE, MICROSOFT):
        book.every_day(reporter, 20, 29, sts(60, Fail("validation-failure", 40, "mx1.example.org", reason="\x1b[31mred\u202egnorw")))
    book.write(tmp_path / "lake")
    (found,) = json.loads(tlsrpt("incidents", "--format", "json")[1])
    for arguments in (("incidents", found["id"]), ("incidents",), ("incidents", "--format", "json"), ("incidents", "--format", "csv")):
        out = tlsrpt(*arguments)[1]
        assert "\x1b" not in out
        assert "\u202e" not in out
    assert "\\x1b[31mred" in tlsrpt("incidents", found["id"])[1]


def test_an_id_is_accepted_by_any_beginning_that_only_one_has(tlsrpt, lake):
    (found,) = json.loads(tlsrpt("incidents", "--format", "json")[1])
    code, out, _ = tlsrpt("incidents", found["id"][:4])
    assert (code, f"id {found['id']}" in out) == (0, True)


def test_one_certificate_of_two_domains_is_one_fault(tlsrpt, tmp_path):
    book = month()
    for reporter in (GOOGLE, MICROSOFT, MAILRU):
        for number in range(30):
            book.add(reporter, number, sts(60, EXPIRED) if number >= 20 else sts(100), domain="example.net")
    book.write(tmp_path / "lake")
    found = json.loads(tlsrpt("incidents", "--format", "json")[1])
    assert [(one["domain"], one["failed_sessions"]) for one in sorted(found, key=lambda one: one["domain"])] == [
        ("example.net", 1200),
        ("example.org", 1200),
    ]
    assert len({one["fault_id"] for one in found}) == 1
    _, _, row = tlsrpt("incidents")[1].splitlines()
    assert "example.net; example.org" in row
    assert "2400" in row.replace(",", "")
    told = tlsrpt("incidents", "--new-since-last")[1]
    assert told.count("NEW:") == 1
    assert "the same fault on" in told


def test_a_silent_mailbox_is_told_once_and_once_more_when_it_is_read_again(tlsrpt, tmp_path):
    box = '[[mailbox]]\nname = "rua"\nhost = "imap.example.org"\nuser = "x"\n'
    (tmp_path / "tlsrpt.toml").write_text(CONFIGURATION + box)
    (tmp_path / "lake").mkdir()

    def ask(*more):
        return tlsrpt("incidents", "--new-since-last", *more, last=None)

    where, now = locate(tmp_path / "lake"), datetime.now(UTC)

    def look(hours, code):
        began = now - timedelta(hours=hours)
        end(where, [Look("rua", f"r{hours}", began, began, code, "refused" if code else "", 0)])

    for hours in range(30, 0, -1):
        look(hours, 77 if hours < 29 else 0)
    assert ask()[1].count("NEW: Mailbox rua cannot be read") == 1
    assert "Mailbox" not in ask()[1]
    look(0, 0)
    code, out, _ = ask("--format", "json")
    (news,) = [one for one in json.loads(out) if one["cause"] == "ingest-silent"]
    assert (code, news["news"], news["state"], news["mailbox"]) == (0, "over", "resolved", "rua")
    assert news["first_day"] == (now - timedelta(hours=29)).date().isoformat()
    assert "Mailbox" not in ask()[1]


def test_a_letter_to_a_sender_at_fault_is_printed_and_in_the_json(tlsrpt, tmp_path):
    book = Book()
    for number in range(30):
        book.add(GOOGLE, number, sts(100)).add(MICROSOFT, number, sts(100))
        book.add(MAILRU, number, sts(60, Fail("certificate-not-trusted", 40)) if number >= 20 else sts(100))
    book.write(tmp_path / "lake")
    (one,) = json.loads(tlsrpt("incidents", "--format", "json")[1])
    assert (one["fault"], "letter" in one) == ("sender", False)
    letter = json.loads(tlsrpt("incidents", one["id"], "--format", "json")[1])["letter"]
    assert letter.startswith("To: postmaster@mail.ru\n")
    assert "Report-ids: " in letter
    printed = tlsrpt("incidents", one["id"])[1]
    assert all(line in printed for line in letter.split("\n"))
