"""Every surface on eight lakes: each sentence is held against what is true of the lake, and the transcript is kept to be read.

`TLSRPT_TEST_WRITE=1 pytest tests/insight/test_surfaces.py` writes it anew. The clock stands still on a day of its own.
"""

from __future__ import annotations

import ast
import contextlib
import datetime as clock
import importlib
import io
import json
import os
import pkgutil
import re
import sys
from collections import OrderedDict
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path

import jupytext
import pytest
from streamlit.testing.v1 import AppTest

import dashboard
import pipeline
from dashboard import lake_door, readers
from pipeline.cli import main
from pipeline.config import load_settings
from pipeline.errors import TlsrptError
from pipeline.ingest.doctor_line import Check
from pipeline.lake.mailbox_looks import Look, end, read_looks
from pipeline.lake.storage.locate import locate
from pipeline.query import Lake, open_lake
from pipeline.settings.single_tables import LakeSettings
from tests.insight.book import DAY_ONE, GOOGLE, MAILRU, MICROSOFT, Book, Fail, sts
from tests.project.tree import ROOT

pytestmark = pytest.mark.timeout(900)
"""The first test makes every lake and walks every surface: on a busy machine that takes minutes."""
GOLDEN = Path(__file__).parent / "surfaces.txt"
COMMANDS = (
    ("status",),
    ("incidents", "--new-since-last"),
    ("incidents", "--fail-on", "ours"),
    ("readiness", "example.org"),
    ("coverage", "--fail-on", "ingest"),
    ("report", "example.org", "-o", "{folder}/report.html"),
    ("export", "{folder}/part.parquet", "--force"),
    ("notify", "--dry-run"),
    ("metrics",),
    ("doctor",),
    ("ingest", "{folder}/mail", "--format", "table", "--workers", "0"),
)
"""`ingest` comes last: it is the one that makes a lake."""
PAGES = ("app.py", *(f"app_pages/{name}.py" for name in ("incidents", "domain", "reporters", "hosts", "reports", "ingest")))
NOTEBOOKS = ("reporters", "enforce")
CONFIGURATION = """
[domains]
own = {own}
[trust]
reporters = ["mail.ru"]
[[notify.channel]]
name = "ops"
kind = "webhook"
url_file = "/dev/null"
[[mailbox]]
name = "book"
host = "imap.example.org"
user = "x"
"""
NOW = datetime(2026, 5, 31, 7, 30, tzinfo=UTC)
TODAY = NOW.date()
EXPIRED = Fail("certificate-expired", 40)
STILL = tuple(f"pipeline.{room}." for room in ("commands", "query", "ingest", "insight", "export", "notify"))
"""Rooms that look at the clock."""


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


def no_own(folder):
    healthy(folder)


def removed(folder):
    healthy(folder)


def stopped(folder):
    book(70, 30).write(folder)
    looked(folder)


def unproved_lately(folder):
    made = book(60, 13)
    made.reports += book(12, 2, tier="unverified").reports
    made.write(folder)
    looked(folder)


def one_report(folder):
    book(2, 2, (GOOGLE,)).write(folder)
    looked(folder)


NEIGHBOURS = {made.__name__: made for made in (no_own, removed, stopped, unproved_lately, one_report)}
OWN = {"no_own": [], "removed": ["example.net"]}


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
        if found.name.startswith(STILL):
            importlib.import_module(found.name)
    with pytest.MonkeyPatch.context() as patch:
        for name, module in list(sys.modules.items()):
            if name.startswith("pipeline.") and getattr(module, "datetime", None) is clock.datetime:
                patch.setattr(module, "datetime", Still)
        patch.setattr("pipeline.ingest.doctor.mailbox_lines", lambda *_: iter(()))
        patch.setattr("pipeline.commands.doctor._machine", lambda: iter(()))
        patch.setattr("pipeline.ingest.doctor._dns", lambda _: Check("dns", "ok", "asked for by no test"))
        patch.setenv(lake_door.TODAY_VARIABLE, str(TODAY))
        patch.setattr(Lake, "ask", asked_once(Lake.ask))
        patch.setattr("streamlit.components.v2.manifest_scanner.scan_component_manifests", list)  # 0.4 s a page, and we have none
        yield patch


def asked_once(ask):
    """Every surface asks the same: what is known of this state of this lake, by these settings, is not worked out anew."""
    known = {}

    def remembered(lake, name, **parameters):
        key = (lake.location.uri, lake.version, repr(read_looks(lake.location)), name, repr(sorted(parameters.items())))
        if key not in known:
            known[key] = ask(lake, name, **parameters)
        return known[key]

    return remembered


@pytest.fixture(scope="module")
def transcript(tmp_path_factory, still):
    """Return what each surface says on each lake: exit code, standard output, standard error; of pages the text."""
    said = {}
    for name, make in (LAKES | NEIGHBOURS).items():
        folder = tmp_path_factory.mktemp(name)
        (folder / "tlsrpt.toml").write_text(CONFIGURATION.format(own=json.dumps(OWN.get(name, ["example.org", "example.net"]))))
        (folder / "mail").mkdir()
        (folder / "mail" / "private.eml").write_bytes(b"From: a@example.org\r\nSubject: Lunch\r\n\r\nAt noon?\r\n")
        make(folder / "lake")
        for command in COMMANDS[:-1]:
            said[name, surface_of(command)] = run(folder, [part.format(folder=folder) for part in command])
        said[name, "python"] = python(folder)
        for page in PAGES if name in ("nothing_counted", "broken") else PAGES[:1]:
            said[name, page] = shown(folder, page, still)
        for notebook in NOTEBOOKS if name in ("nothing_counted", "broken") else ():
            said[name, f"{notebook}.ipynb"] = opened(folder, notebook, still)
        said[name, "ingest"] = run(folder, [part.format(folder=folder) for part in COMMANDS[-1]])
    return said


def surface_of(command):
    return "new-since-last" if "--new-since-last" in command else command[0]


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
            return 0, text_of("\n".join(each._repr_html_() for each in found), folder), ""
    except TlsrptError as err:
        return err.exit_code, "", plain(f"{err}\n", folder)


def text_of(html, folder):
    text = re.sub(r"<[^>]*>+", " ", re.sub(r"</tr>|</p>", "\n", html))
    lines = (" ".join(unescape(line).split()) for line in text.split("\n"))
    return plain("".join(f"{line}\n" for line in lines if line), folder)


def opened(folder, notebook, patch):
    """What the first cell of a notebook that we ship shows, and each conclusion below it."""
    configured(folder, patch)
    names = {"__name__": notebook}
    with pytest.MonkeyPatch.context() as here:
        here.chdir(ROOT / "notebooks")
        here.setenv("MPLBACKEND", "agg")
        cells = jupytext.read(ROOT / "notebooks" / f"{notebook}.ipynb").cells
        said = [last_value(cell.source, names) for cell in cells if cell.cell_type == "code"]
        names["plt"].close("all")
    names["lake"].close()
    return 0, text_of("\n".join(said), folder), ""


def last_value(source, names):
    """Run a cell; what Jupyter would show of its last value, where that is one of ours."""
    tree = ast.parse(source)
    shown = ast.Expression(tree.body.pop().value) if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(tree, "cell", "exec"), names)  # noqa: S102 -- a notebook of ours
        value = eval(compile(shown, "cell", "eval"), names) if shown else None  # noqa: S307
    return value._repr_html_() if type(value).__module__.startswith("pipeline.") and hasattr(value, "_repr_html_") else ""


def configured(folder, patch):
    patch.setenv("TLSRPT_CONFIG", str(folder / "tlsrpt.toml"))
    patch.setenv("TLSRPT_LAKE__PATH", str(folder / "lake"))


def shown(folder, page, patch):
    """What a page says beside its charts and tables."""
    configured(folder, patch)
    patch.setattr(lake_door, "_doors", OrderedDict())
    patch.setattr(lake_door, "_answers", lake_door.Answers(400))
    readers.forget()
    app = AppTest.from_file(str(Path(dashboard.__file__).with_name("app.py")), default_timeout=300)
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
    text = text.replace(str(folder), "…").replace("\u2011", "-")
    text = re.sub(r"· \d+(\.\d+)? s\b", "· N s", text)
    text = re.sub(r"[\d,.]+ GiB free", "N GiB free", text)
    return re.sub(r"(schema 2), batch \d+", r"\1, batch N", text)


def test_the_transcript_is_as_it_was_read(transcript):
    commands = {surface_of(command): f"tlsrpt {' '.join(command).format(folder='…')}" for command in COMMANDS}
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


CONTENT = ("python", "ingest", "notify", *PAGES, *(f"{name}.ipynb" for name in NOTEBOOKS))
"""What ends with 0, whatever it says."""


@pytest.mark.parametrize("surface", ["incidents", "new-since-last", "readiness", "coverage", "report", "export", "doctor", *CONTENT])
def test_what_does_not_count_is_never_good_news(transcript, surface):
    code, out, err = transcript["nothing_counted", surface]
    assert code == (0 if surface in CONTENT else 1)
    assert re.search(r"Nothing is known: none of the (117|84|78) reports", out + err)
    assert "--vouch-before" in out + err
    assert not re.search(
        r"[Nn]o incident|[Nn]o open fault|Nothing is open|All quiet|none silent|No failures|No sessions|Nobody reports|Every report",
        out + err,
    )
    if surface in PAGES[1:] or surface.endswith(".ipynb") or surface == "new-since-last":
        return
    code, out, err = transcript["empty", surface]
    assert code == 0 or surface == "doctor"
    assert "no report has come yet" in out + err


@pytest.mark.parametrize("surface", ["status", "incidents", "readiness", "coverage", "report", "export", "doctor", "python", *PAGES])
def test_a_mailbox_that_cannot_be_read_is_said_first(transcript, surface):
    _, out, err = transcript["broken", surface]
    first = {"doctor": out, "python": out, **dict.fromkeys(PAGES, out)}.get(surface, err)
    assert "It has not been polled successfully since 2026-05-24" in first
    if surface in ("status", "incidents", "readiness", "coverage", "report", "export"):
        assert first.startswith("tlsrpt: Mailbox book cannot be read.")
    assert (out + err).count("AUTHENTICATIONFAILED") == (3 if surface == "python" else 1), "once for each conclusion"
    assert not re.search(r"(?<!are )([Nn]o incidents?( in this period)?|Nothing is open)(\.|$)", out, re.MULTILINE)
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


@pytest.mark.parametrize("surface", ["status", "incidents", "readiness", "coverage", "report", "export", "doctor", "python", "app.py"])
def test_whose_domains_count_is_said_where_nobody_said_it(transcript, surface):
    assert "[domains] own is not set" in "".join(transcript["no_own", surface][1:])
    assert "[domains] own is not set" not in "".join(transcript["healthy", surface][1:])


@pytest.mark.parametrize("surface", ["incidents", "new-since-last", "coverage", "export", "doctor", "python", "app.py", "notify"])
def test_a_domain_taken_out_of_the_settings_is_not_taken_for_quiet(transcript, surface):
    said = "".join(transcript["removed", surface][1:]).replace("'domains'", "[domains]")  # as chat programs get it
    assert "about domains that [domains] own does not name: example.org" in said
    assert not re.search(r"[Nn]o incident|[Nn]o open fault|Nothing is open|All quiet", said)


@pytest.mark.parametrize("lake", ["stopped", "unproved_lately"])
@pytest.mark.parametrize("surface", ["incidents", "readiness", "coverage", "report", "python", "app.py", "metrics"])
def test_old_reports_are_no_news_of_today(transcript, surface, lake):
    said = "".join(transcript[lake, surface][1:])
    if surface == "metrics":
        assert "tlsrpt_counted_reports" in said
        return
    assert not re.search(r"^no incidents$|No incidents\.|Nothing is open\.|All quiet: no open", said, re.MULTILINE), said
