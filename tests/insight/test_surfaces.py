"""Every command on eight lakes: each sentence is held against what is true of the lake, and the transcript is kept to be read.

`TLSRPT_TEST_WRITE=1 pytest tests/insight/test_surfaces.py` writes it anew. Days are relative to today (D-3: three days ago).
"""

from __future__ import annotations

import os
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from pipeline.cli import main
from pipeline.lake.looks import Look, end
from pipeline.lake.storage.locate import locate
from tests.insight.book import DAY_ONE, GOOGLE, MAILRU, MICROSOFT, Book, Fail, sts

GOLDEN = Path(__file__).parent / "surfaces.txt"
COMMANDS = (
    ("status",),
    ("incidents", "--fail-on", "ours"),
    ("readiness", "example.org"),
    ("coverage", "--fail-on", "ingest"),
    ("report", "example.org", "-o", "{folder}/report.html"),
    ("export", "{folder}/part.parquet", "--force"),
)
CONFIGURATION = """
[domains]
own = ["example.org", "example.net"]
[trust]
reporters = ["mail.ru"]
[[mailbox]]
name = "book"
host = "imap.example.org"
user = "x"
"""
TODAY = datetime.now(UTC).date()
EXPIRED = Fail("certificate-expired", 40)


def ago(days: int) -> int:
    return (TODAY - DAY_ONE).days - days


def book(first: int, last: int, reporters=(GOOGLE, MICROSOFT, MAILRU), *, tier="verified", fails=()) -> Book:
    made = Book()
    for reporter in reporters:
        for days in range(first, last - 1, -1):
            made.add(reporter, ago(days), sts(60 if fails else 100, *fails), tier=tier)
    return made


def none(_folder):
    """Nothing at all."""


def empty(folder):
    folder.mkdir()


def nothing_counted(folder):
    book(40, 2, tier="unverified").write(folder)


def half_counted(folder):
    made = book(40, 2, (GOOGLE, MICROSOFT))
    made.reports += book(40, 2, (MAILRU,), tier="unverified").reports
    made.write(folder)


def one_day(folder):
    book(2, 2).write(folder)


def broken(folder):
    book(40, 9).write(folder)
    looked(folder, failing_days=7)


def one_reporter(folder):
    book(40, 2, (GOOGLE,), fails=(EXPIRED,)).write(folder)
    looked(folder)


def healthy(folder):
    book(40, 1).write(folder)
    looked(folder)


LAKES = {made.__name__: made for made in (none, empty, nothing_counted, half_counted, one_day, broken, one_reporter, healthy)}


def looked(folder, *, failing_days=0):
    now = datetime.now(UTC)
    looks = []
    for hours in range(24 * 20, -1, -6):
        at, fails = now - timedelta(hours=hours), hours < 24 * failing_days
        error = "imap.example.org:993 refuses the sign-in of x: [AUTHENTICATIONFAILED]; check user and password or token" if fails else ""
        looks.append(Look("book", f"r{hours}", at, at, 77 if fails else 0, error))
    end(locate(folder), looks)


@pytest.fixture(scope="module")
def transcript(tmp_path_factory):
    """Return what each command says on each lake: exit code, standard output, standard error."""
    said = {}
    for name, make in LAKES.items():
        folder = tmp_path_factory.mktemp(name)
        (folder / "tlsrpt.toml").write_text(CONFIGURATION)
        make(folder / "lake")
        for command in COMMANDS:
            said[name, command[0]] = run(folder, [part.format(folder=folder) for part in command])
    return said


def run(folder, command):
    import contextlib
    import io

    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(["--config", str(folder / "tlsrpt.toml"), "--lake", str(folder / "lake"), *command])
    return code, plain(out.getvalue(), folder), plain(err.getvalue(), folder)


def plain(text, folder):
    text = text.replace(str(folder), "…")
    text = re.sub(r"\b(\d{4}-\d{2}-\d{2})\b", lambda found: f"D-{(TODAY - date.fromisoformat(found[1])).days}", text)
    text = re.sub(r"\b\d{2}:\d{2} UTC", "HH:MM UTC", text)
    return re.sub(r"\b[0-9a-f]{12}\b", "ID", text)


def test_the_transcript_is_as_it_was_read(transcript):
    lines = []
    for (lake, _), (code, out, err) in transcript.items():
        command = " ".join(COMMANDS[len(lines) % len(COMMANDS)])
        lines.append(f"## {lake}: tlsrpt {command.format(folder='…')} → {code}\n{err}{out}")
    text = "\n".join(re.sub(r"[ \t]+\n", "\n", line) for line in lines)
    if os.environ.get("TLSRPT_TEST_WRITE"):
        GOLDEN.write_text(text)
    assert text == GOLDEN.read_text()


@pytest.mark.parametrize("command", [command[0] for command in COMMANDS])
def test_a_lake_that_is_not_there_is_66_everywhere(transcript, command):
    code, out, err = transcript["none", command]
    assert (code, out) == (66, "")
    assert "there is no lake at …/lake" in err


@pytest.mark.parametrize("command", ["incidents", "readiness", "coverage", "report", "export"])
def test_what_does_not_count_is_never_good_news(transcript, command):
    code, out, err = transcript["nothing_counted", command]
    assert code == 1
    assert re.search(r"Nothing is known: none of the (117|84) reports", err)
    assert "--vouch-before" in err
    assert "no incidents" not in out
    code, _, err = transcript["empty", command]
    assert code == 0
    assert "no report has come yet" in err or command == "report"


@pytest.mark.parametrize("command", ["status", "incidents", "readiness", "coverage"])
def test_a_mailbox_that_cannot_be_read_is_said_first(transcript, command):
    _, _, err = transcript["broken", command]
    assert err.startswith("tlsrpt: Mailbox book cannot be read. No look into it has succeeded since D-7")
    assert err.count("AUTHENTICATIONFAILED") == 1
    assert "Mailbox book" not in transcript["healthy", command][2]


def test_exit_codes_say_what_is_wrong(transcript):
    assert {lake: transcript[lake, "incidents"][0] for lake in LAKES} == {
        **dict.fromkeys(LAKES, 0),
        "none": 66,
        "nothing_counted": 1,
        "broken": 1,
        "one_reporter": transcript["one_reporter", "incidents"][0],
    }
    assert transcript["broken", "coverage"][0] == 1
    assert transcript["healthy", "coverage"][0] == 0


def test_a_domain_of_ours_without_reports_is_named(transcript):
    for lake in ("healthy", "half_counted", "empty"):
        assert "No report ever about" in transcript[lake, "status"][2]
        assert "example.net" in transcript[lake, "status"][2]
