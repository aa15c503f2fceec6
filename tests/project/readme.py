"""The generated parts of README and pipeline/docs: tables, questions, commands, codes, each made from the code that defines it.

`python -m tests.project.readme` (`make docs`) writes them between their markers; a test holds them to be fresh.
"""

from __future__ import annotations

import argparse
import json
import re
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from pipeline import errors
from pipeline.cli import build_parser
from pipeline.insight.detect.causes import CAUSES
from pipeline.insight.ground import Ground
from pipeline.notify.metrics import as_text
from pipeline.notify.observed import Measured, Observed
from pipeline.query.catalogue import load_questions
from pipeline.query.describe import GRAINS
from pipeline.report.quirks import QUIRKS, REJECT_CODES
from pipeline.report.result_types import RESULT_TYPES
from pipeline.tables.schema import TABLES
from tests.bench.figures import HEAD, Figure, lines
from tests.project.settings_reference import sections
from tests.project.tree import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

README = ROOT / "README.md"
DOCS = ROOT / "pipeline" / "docs"
BLOCK = re.compile(r"(?s)<!-- generated: (?P<name>[a-z-]+) -->\n.*?<!-- end -->")


def pages() -> dict[str, Path]:
    """README and documentation, decisions excepted, by their path from the root."""
    found = [README, *(path for path in sorted(DOCS.rglob("*.md")) if path.parent.name != "decisions")]
    return {str(path.relative_to(ROOT)): path for path in found}


def fresh(text: str) -> str:
    """A page with every generated part made anew."""
    return BLOCK.sub(lambda match: f"<!-- generated: {match['name']} -->\n\n{BLOCKS[match['name']]()}\n\n<!-- end -->", text)


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [list(head), *(list(row) for row in rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _words(text: str) -> str:
    """Text for Markdown: what looks like a tag is none."""
    return text.replace("<", "&lt;")


def tables() -> str:
    """Every table with its columns."""
    parts = []
    for table in TABLES.values():
        rows = [
            (f"`{column.name}`", column.type, _words(column.meaning) + (f" [{column.unit}]" if column.unit else ""), column.source)
            for column in table.columns
        ]
        key = ", ".join(table.key)
        body = f"Key: {key}. Partitioned by {table.partition}.\n\n" + _table(("column", "type", "meaning [unit]", "source"), rows)
        parts.append(f"## `{table.name}`\n\n{_words(table.grain[0].upper() + table.grain[1:])}.\n\n{body}")
    return "\n\n".join(parts)


def views() -> str:
    """What the views are over the tables."""
    return _table(("view", "what one row is"), ((f"`{name}`", _words(grain)) for name, grain in GRAINS.items()))


def questions() -> str:
    """The named questions and their parameters."""
    rows = []
    for question in load_questions().values():
        parameters = ", ".join(f"`{p.name}`" if p.required else f"[`{p.name}`]" for p in question.parameters)
        rows.append((f"`{question.name}`", _words(question.title), parameters))
    return _table(("question", "answers", "parameters, [optional]"), rows)


def commands() -> str:
    """The command line, from the same parser that prints `--help`; written here so that the Python version does not matter."""
    parser = build_parser("*")
    subparsers = next(action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    parts = ["Before the command: " + "; ".join(_argument(action) for action in _shown(parser)) + "."]
    for name, command in subparsers.choices.items():
        lines = [f"* {_argument(action)}" for action in _shown(command)]
        parts.append("\n".join([f"## `tlsrpt {name}`", "", _words(command.description or ""), *([""] if lines else []), *lines]))
    return "\n\n".join(parts)


def _shown(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    hidden = (argparse._HelpAction, argparse._SubParsersAction)
    return [action for action in parser._actions if not isinstance(action, hidden) and action.help is not argparse.SUPPRESS]


def _argument(action: argparse.Action) -> str:
    value = action.metavar or ("|".join(str(choice) for choice in action.choices) if action.choices else action.dest.upper())
    value = " ".join(value) if isinstance(value, tuple) else value
    if not action.option_strings:
        name = value + {"*": " …", "+": " …"}.get(str(action.nargs), "")
    else:
        name = ", ".join(action.option_strings) + ("" if action.nargs == 0 else f" {value}")
    text = (action.help or "") % {**vars(action), "prog": "tlsrpt"}
    return f"`{name}` – {_words(text)}"


def exit_codes() -> str:
    """The exit codes, from the exceptions that carry them."""
    classes = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, errors.TlsrptError)]
    meanings = {kind.exit_code: (kind.__doc__ or "").splitlines()[0] for kind in classes if kind is not errors.TlsrptError}
    rows = {
        0: "Done. Mails that could not be read do not change that, nor does an empty mailbox.",
        1: "A check found something (`doctor`, `--fail-on`).",
        **meanings,
        130: "Interrupted with Ctrl-C; what was committed stays.",
    }
    return _table(("code", "means"), ((str(code), text) for code, text in sorted(rows.items())))


def quirks() -> str:
    """What is tolerated."""
    return _table(("quirk", "what was tolerated"), ((f"`{code}`", _words(text)) for code, text in QUIRKS.items()))


def rejects() -> str:
    """What is refused."""
    return _table(("code", "why it was not read"), ((f"`{code}`", _words(text)) for code, text in REJECT_CODES.items()))


def result_types() -> str:
    """The registry of result types in plain words."""
    rows = ((f"`{entry.name}`", entry.group, _words(entry.meaning), entry.rfc) for entry in RESULT_TYPES.values())
    return _table(("result type", "group", "meaning", "source"), rows)


def causes() -> str:
    """What an incident is told as."""
    rows = ((f"`{cause.code}`", cause.title, cause.component, cause.rfc) for cause in CAUSES.values())
    return _table(("cause", "title", "the part at fault", "source"), rows)


def metrics() -> str:
    """What `tlsrpt metrics` writes, from what it writes where nothing is known."""
    day = date(2026, 1, 1)
    nothing = Observed(as_of=day, ground=Ground(day, day, 0, 0, 0, 0, (), 0, (), ()))
    text = as_text(nothing, Measured({}, {}, 0, 0), waiting={}, now=datetime(2026, 1, 1, tzinfo=UTC))
    rows = re.findall(r"(?m)^# HELP (\S+) (.+)$", text)
    return _table(("metric", "meaning"), ((f"`{name}`", _words(meaning)) for name, meaning in rows))


def settings() -> str:
    """Every setting."""
    head = ("setting", "default or example", "meaning")
    parts = []
    for section in sections():
        rows = [(f"`{name}`", f"`{value}`", _words(meaning)) for name, value, meaning in section.settings]
        parts += [f"## `{section.name}`", *([_words(section.prose)] if section.prose else []), _table(head, rows)]
    return "\n\n".join(parts)


def benchmarks() -> str:
    """The figures of the last run that was published, with its day, versions and machine."""
    published = json.loads((ROOT / "tests" / "bench" / "published.json").read_text(encoding="utf-8"))
    machine, runs = published["machine"], published["runs"].values()
    named = ("python", "duckdb", "deltalake", "pyarrow", "parsedmarc", "polars", "pandas")
    programs = ", ".join(f"{name} {machine[name]}" for name in named)
    days = sorted({run["at"][:10] for run in runs})
    size = f"{machine['cores']} cores ({machine['processor']}), {machine['memory_gib']:.0f} GiB of memory"
    load = f"a load of {min(run['load'] for run in runs):.0f} to {max(run['load'] for run in runs):.0f} beside it"
    return f"{' to '.join(dict.fromkeys((days[0], days[-1])))}, {size}, {load}; {programs}.\n\n{_table(HEAD, lines(_figures()))}"


def _figures() -> list[Figure]:
    published = json.loads((ROOT / "tests" / "bench" / "published.json").read_text(encoding="utf-8"))
    return [Figure(**each) for run in published["runs"].values() for each in run["figures"]]


IN_SHORT = (
    "10,000 `.eml` files → stored rows, from the shell and back, CPU, one process each",
    "10,000 `.eml` files → stored rows, from the shell and back, by the clock",
    "IMAP mailbox → committed rows, then moved to a folder",
    "slowest question of the overview, 2 years, 100 million policy rows",
    "the page, cold, to the first chart, 10 million policy rows",
    "the page, cold, to interactive, 10 million policy rows",
    "the page, cold, nothing kept of the day, to interactive",
    "bytes on disk, everything: rows, ledger, mails as received",
)
"""What a reader of the README asks first."""


def benchmarks_short() -> str:
    """A few of the figures, each beside a program that does the same."""
    return _table(HEAD, lines([each for each in _figures() if each.what in IN_SHORT]))


BLOCKS: dict[str, Callable[[], str]] = {
    "tables": tables,
    "views": views,
    "questions": questions,
    "commands": commands,
    "exit-codes": exit_codes,
    "quirks": quirks,
    "rejects": rejects,
    "result-types": result_types,
    "causes": causes,
    "settings": settings,
    "metrics": metrics,
    "benchmarks": benchmarks,
    "benchmarks-short": benchmarks_short,
}


if __name__ == "__main__":
    for page in pages().values():
        page.write_text(fresh(page.read_text(encoding="utf-8")), encoding="utf-8")
