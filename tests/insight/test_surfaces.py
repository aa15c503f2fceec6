"""Every surface on eight lakes: each sentence is held against what is true of the lake, and the transcript is kept to be read.

`TLSRPT_TEST_WRITE=1 pytest tests/insight/test_surfaces.py` writes it anew. The clock stands still on a day of its own.
"""

from __future__ import annotations

import contextlib
import datetime as clock
import importlib
import io
import os
import pkgutil
import re
import sys
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import dashboard
import pipeline
from dashboard import lake_door
from pipeline.cli import main
from pipeline.config import LakeSettings, load_settings
from pipeline.errors import TlsrptError
from pipeline.ingest.doctor import Check
from pipeline.lake.looks import Look, end
from pipeline.lake.storage.locate import locate
from pipeline.query import open_lake
from tests.insight.book import DAY_ONE, GOOGLE, MAILRU, MICROSOFT, Book, Fail, sts

GOLDEN = Path(__file__).parent / "surfaces.txt"
COMMANDS = (
    ("status",),
    ("incidents", "--fail-on", "ours"),
    ("readiness", "example.org"),
    ("coverage", "--fail-on", "ingest"),
    ("report", "example.org", "-o", "{folder}/report.html"),
    ("export", "{folder}/part.parquet", "--force"),
    ("doctor",),
    ("ingest", "{folder}/mail", "--format", "table", "--workers", "0"),
)
"""`ingest` comes last: it is the one that makes a lake."""
PAGES = ("app.py", "app_pages/incidents.py", "app_pages/domain.py", "app_pages/reporters.py")
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
NOW = datetime(2026, 5, 31, 7, 30, tzinfo=UTC)
TODAY = NOW.date()
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
    looks = []
    for hours in range(24 * 20, -1, -6):
        at, fails = NOW - timedelta(hours=hours), hours < 24 * failing_days
        error = "imap.example.org:993 refuses the sign-in of x: [AUTHENTICATIONFAILED]; check user and password or token" if fails else ""
        looks.append(Look("book", f"r{hours}", at, at, 77 if fails else 0, error))
    end(locate(folder), looks)


class Instance(type):
    """What was made by the real class is one of the still class, too."""

    def __instancecheck__(cls, value):
        return isinstance(value, clock.datetime)


class Still(datetime, metaclass=Instance):
    """A clock that stands still."""

    @classmethod
    def now(cls, tz=None):
        return NOW.astimezone(tz) if tz else NOW.replace(tzinfo=None)


@pytest.fixture(scope="module")
def still():
    """Stop the clock of the whole program, pages included."""
    for found in pkgutil.walk_packages(pipeline.__path__, "pipeline."):
        if found.name.startswith(("pipeline.commands.", "pipeline.query.", "pipeline.ingest.", "pipeline.insight.", "pipeline.export.")):
            importlib.import_module(found.name)
    with pytest.MonkeyPatch.context() as patch:
        for name, module in list(sys.modules.items()):
            if name.startswith("pipeline.") and getattr(module, "datetime", None) is clock.datetime:
                patch.setattr(module, "datetime", Still)
        patch.setattr("pipeline.ingest.doctor._mailbox", lambda *_: iter(()))
        patch.setattr("pipeline.ingest.doctor._dns", lambda _: Check("dns", "ok", "asked for by no test"))
        patch.setenv(lake_door.TODAY_VARIABLE, str(TODAY))
        yield patch


@pytest.fixture(scope="module")
def transcript(tmp_path_factory, still):
    """Return what each surface says on each lake: exit code, standard output, standard error; of pages the text."""
    said = {}
    for name, make in LAKES.items():
        folder = tmp_path_factory.mktemp(name)
        (folder / "tlsrpt.toml").write_text(CONFIGURATION)
        (folder / "mail").mkdir()
        (folder / "mail" / "private.eml").write_bytes(b"From: a@example.org\r\nSubject: Lunch\r\n\r\nAt noon?\r\n")
        make(folder / "lake")
        for command in COMMANDS[:-1]:
            said[name, command[0]] = run(folder, [part.format(folder=folder) for part in command])
        said[name, "python"] = python(folder)
        for page in PAGES if name in ("nothing_counted", "broken") else PAGES[:1]:
            said[name, page] = shown(folder, page, still)
        said[name, "ingest"] = run(folder, [part.format(folder=folder) for part in COMMANDS[-1]])
    return said


def run(folder, command):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(["--config", str(folder / "tlsrpt.toml"), "--lake", str(folder / "lake"), *command])
    return code, plain(out.getvalue(), folder), plain(err.getvalue(), folder)


def python(folder):
    """What a notebook shows of the conclusions, without its tags."""
    try:
        settings = load_settings(folder / "tlsrpt.toml").model_copy(update={"lake": LakeSettings(path=str(folder / "lake"))})
        with open_lake(settings=settings) as lake:
            found = [lake.incidents(), lake.readiness("example.org"), lake.coverage()]
            text = "\n".join(re.sub(r"<[^>]*>+", " ", each._repr_html_().replace("</tr>", "\n")) for each in found)
    except TlsrptError as err:
        return err.exit_code, "", plain(f"{err}\n", folder)
    lines = (" ".join(unescape(line).split()) for line in text.split("\n"))
    return 0, plain("".join(f"{line}\n" for line in lines if line), folder), ""


def shown(folder, page, patch):
    """What a page says beside its charts and tables."""
    patch.setenv("TLSRPT_CONFIG", str(folder / "tlsrpt.toml"))
    patch.setenv("TLSRPT_LAKE__PATH", str(folder / "lake"))
    patch.setattr(lake_door, "_doors", {})
    patch.setattr(lake_door, "_answers", lake_door.Answers(400))
    lake_door.settings.cache_clear()
    app = AppTest.from_file(str(Path(dashboard.__file__).with_name("app.py")), default_timeout=60)
    if page.endswith("domain.py"):
        app.query_params["domain"] = "example.org"
    app.run()
    if page != "app.py":
        app.switch_page(page).run()
    lake_door.close()
    assert not app.exception, page
    said = [f"[{kind}] {each.value}" for kind in ("error", "warning", "text") for each in app.get(kind)]
    return 0, plain("".join(f"{line}\n" for line in said), folder), ""


def plain(text, folder):
    text = text.replace(str(folder), "…")
    text = re.sub(r"· \d+(\.\d+)? s\b", "· N s", text)
    text = re.sub(r"[\d,.]+ GiB free", "N GiB free", text)
    return re.sub(r"(schema 2), batch \d+", r"\1, batch N", text)


def test_the_transcript_is_as_it_was_read(transcript):
    commands = {command[0]: f"tlsrpt {' '.join(command).format(folder='…')}" for command in COMMANDS}
    lines = []
    for (lake, surface), (code, out, err) in transcript.items():
        lines.append(f"## {lake}: {commands.get(surface, surface)} → {code}\n{err}{out}")
    text = "\n".join(re.sub(r"[ \t]+\n", "\n", line) for line in lines)
    if os.environ.get("TLSRPT_TEST_WRITE"):
        GOLDEN.write_text(text)
    assert text == GOLDEN.read_text()


@pytest.mark.parametrize("surface", [*(command[0] for command in COMMANDS if command[0] not in ("doctor", "ingest")), "python"])
def test_a_lake_that_is_not_there_is_66_everywhere(transcript, surface):
    code, out, err = transcript["none", surface]
    assert (code, out) == (66, "")
    assert "there is no lake at …/lake" in err


@pytest.mark.parametrize("surface", ["incidents", "readiness", "coverage", "report", "export", "python", "doctor", "ingest", *PAGES])
def test_what_does_not_count_is_never_good_news(transcript, surface):
    code, out, err = transcript["nothing_counted", surface]
    assert code == (0 if surface in ("python", "ingest", *PAGES) else 1)
    assert re.search(r"Nothing is known: none of the (117|84|78) reports", out + err)
    assert "--vouch-before" in out + err
    assert not re.search(
        r"[Nn]o incident|Nothing is open|All quiet|none silent|No failures|No sessions|Nobody reports|Every report", out + err
    )
    if surface in PAGES[1:]:
        return
    code, out, err = transcript["empty", surface]
    assert code == 0 or surface == "doctor"
    assert "no report has come yet" in out + err or surface == "report"


@pytest.mark.parametrize("surface", ["status", "incidents", "readiness", "coverage", "doctor", "python", *PAGES])
def test_a_mailbox_that_cannot_be_read_is_said_first(transcript, surface):
    _, out, err = transcript["broken", surface]
    first = {"doctor": out, "python": out, **dict.fromkeys(PAGES, out)}.get(surface, err)
    assert "It has not been polled successfully since 2026-05-24" in first
    if surface in ("status", "incidents", "readiness", "coverage"):
        assert first.startswith("tlsrpt: Mailbox book cannot be read.")
    assert (out + err).count("AUTHENTICATIONFAILED") == 1
    assert not re.search(r"([Nn]o incidents?( in this period)?|Nothing is open)(\.|$)", out, re.MULTILINE)
    assert "cannot be read" not in "".join(transcript.get(("healthy", surface), (0, "", ""))[1:])


def test_exit_codes_say_what_is_wrong(transcript):
    assert {lake: transcript[lake, "incidents"][0] for lake in LAKES} == {
        **dict.fromkeys(LAKES, 0),
        "none": 66,
        "nothing_counted": 1,
        "broken": 1,
        "one_reporter": 1,
    }
    assert transcript["broken", "coverage"][0] == 1
    assert transcript["healthy", "coverage"][0] == 0


@pytest.mark.parametrize("surface", ["status", "incidents", "coverage", "export", "python", "doctor", "app.py"])
def test_a_domain_of_ours_without_reports_is_named(transcript, surface):
    for lake in ("healthy", "half_counted", "empty"):
        said = "".join(transcript[lake, surface][1:])
        assert re.search(r"No report ever about (example\.org, )?example\.net", said), lake


@pytest.mark.parametrize("surface", ["status", "incidents", "readiness", "coverage", "export", "python", "doctor", *PAGES])
def test_every_conclusion_says_what_it_rests_on(transcript, surface):
    for lake, reporters in (("half_counted", 2), ("one_day", 3), ("broken", 3), ("one_reporter", 1), ("healthy", 3)):
        if (lake, surface) not in transcript:
            continue
        said = "".join(transcript[lake, surface][1:])
        assert re.search(rf"Rests on [\d,]+ sessions in \d+ reports?( about example.org)? of {reporters} reporter", said), lake
