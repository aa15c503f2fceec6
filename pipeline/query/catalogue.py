"""The named questions: one `.sql` file each, its title, description and parameters in the comment at its top.

```sql
-- Sessions by day
-- Sessions over authenticated TLS, by UTC day.
-- since (DATE): first day, inclusive
-- domain (VARCHAR = null): one report domain; null for all
```

Beside them the texts of `views/` on which they stand, the period they are asked about, and which of them are the operator's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib.resources import files as package_files
from typing import Any, NamedTuple

from pipeline.errors import UsageError
from pipeline.output.markup import html_table

_PARAMETER = re.compile(r"^(?P<name>[a-z][a-z0-9_]*) \((?P<type>[A-Z]+(?:\[\])?)(?: = (?P<default>[^)]*))?\): (?P<meaning>.+)$")
OPERATORS_ONLY = frozenset(
    {
        "conflicts", "duplicates", "ingest_health", "ingest_runs", "left_out_rows", "mailbox_habits", "mailboxes", "not_counted",
        "not_proved", "outcomes", "proved_without_bytes", "raw_bytes", "raw_found", "rejects", "rejects_by_code",
        "report_messages", "report_rivals", "table_rows", "tiers",
    }
)  # fmt: skip
"""The questions that a lake opened as a group does not answer: about mails, runs, bytes, and what does not count.

Of all other questions a group gets its own rows alone (`views/group.sql`); a new question that reads anything else belongs into this list.
"""

USUAL_DAYS = 90
"""The period of a question that is asked without one."""
_FIRST = date(1970, 1, 1)

_TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


class Parameter(NamedTuple):
    """One parameter of a question."""

    name: str
    type: str
    """The type in DuckDB: one of `_READ`, or a list of it (`VARCHAR[]`)."""
    meaning: str
    required: bool
    """Whether it must be given; it may be null all the same."""
    default: object = None

    def convert(self, value: object) -> object:
        """Return the value to bind; text, as the command line and an URL give it, is read by the type of the parameter.

        Raises:
            UsageError: It is no such value.
        """
        if value is None:
            return None
        read = _READ[self.type.removesuffix("[]")]
        try:
            if self.type.endswith("[]"):
                return [None if element is None else read(element) for element in _elements(value)]
            return read(value)
        except (ValueError, TypeError, KeyError) as err:
            raise UsageError(f"parameter {self.name} is a {self.type}, which {str(value)[:60]!r} is not; {self.meaning}") from err


class Questions(dict[str, "Question"]):
    """The named questions; shows itself as a table in a notebook."""

    def _repr_html_(self) -> str:
        rows = [(q.name, q.title, ", ".join(q.parameter_names)) for q in self.values()]
        return html_table("The named questions", ("question", "answers", "parameters"), rows)


class Question(NamedTuple):
    """One named question."""

    name: str
    title: str
    description: str
    parameters: tuple[Parameter, ...]
    sql: str

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """The names of its parameters, in the order of the file."""
        return tuple(parameter.name for parameter in self.parameters)

    def bind(self, given: Mapping[str, object]) -> dict[str, Any]:
        """Return a value for every parameter.

        Raises:
            UsageError: One is missing, unknown, or of the wrong type.
        """
        if unknown := sorted(given.keys() - set(self.parameter_names)):
            raise UsageError(f"question {self.name} has no parameter {unknown[0]}; it takes {', '.join(self.parameter_names) or 'none'}")
        if missing := [p.name for p in self.parameters if p.required and p.name not in given]:
            raise UsageError(f"question {self.name} needs the parameter {missing[0]}")
        return {p.name: p.convert(given[p.name]) if given.get(p.name) is not None else p.default for p in self.parameters}


@cache
def load_questions() -> Questions:
    """Return the questions of the package by name, in alphabetical order."""
    folder = package_files("pipeline.query").joinpath("sql")
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return Questions({name[:-4]: read_question(name[:-4], folder.joinpath(name).read_text(encoding="utf-8")) for name in names})


@cache
def view_texts() -> dict[str, str]:
    """Return the texts of `pipeline/query/views` by name: views, macros and statements that learn from the rows."""
    folder = package_files("pipeline.query").joinpath("views")
    return {entry.name[:-4]: entry.read_text(encoding="utf-8") for entry in folder.iterdir() if entry.name.endswith(".sql")}


def read_question(name: str, sql: str) -> Question:
    """Read the comment at the top of a `.sql` file.

    Raises:
        ValueError: It has no title, or a parameter has an unknown type.
    """
    comments = []
    for line in sql.splitlines():
        if not line.startswith("-- "):
            break
        comments.append(line[3:])
    found = [(line, _PARAMETER.match(line)) for line in comments]
    words = [line for line, match in found if match is None]
    if not words:
        raise ValueError(f"{name}.sql needs a title")
    parameters = tuple(_parameter(name, match) for _, match in found if match is not None)
    return Question(name, words[0], " ".join(words[1:]), parameters, sql)


def asked_period(since: date | str | None, until: date | str | None, as_of: date | str | None) -> dict[str, date]:
    """Return the period as days: until no later than as_of, since no later than until.

    Args:
        since: The first day, inclusive; a text is like 2026-05-31; None: `USUAL_DAYS` up to the last one.
        until: The last day, inclusive; None: `as_of`.
        as_of: The day of asking, UTC; None: today.

    Raises:
        UsageError: One of them is not a date, or the period ends before it begins.
    """
    asked = _day("as_of", as_of) or datetime.now(UTC).date()
    last = min(_day("until", until) or asked, asked)
    first = _day("since", since) or max(last, _FIRST) - timedelta(days=USUAL_DAYS - 1)
    if until is not None and since is not None and first > (_day("until", until) or last):
        raise UsageError(f"the period ends before it begins: {since} to {until}")
    return {"since": first, "until": last, "as_of": asked}


def _parameter(question: str, match: re.Match[str]) -> Parameter:
    name, kind, default = match["name"], match["type"], match["default"]
    if kind.removesuffix("[]") not in _READ:
        raise ValueError(f"{question}.sql: parameter {name} has the unknown type {kind}")
    parameter = Parameter(name, kind, match["meaning"], required=default is None)
    return parameter if default in (None, "null") else parameter._replace(default=parameter.convert(default))


def _date(value: object) -> date:
    return value if isinstance(value, date) else date.fromisoformat(str(value))


def _elements(value: object) -> list[object]:
    if isinstance(value, str):
        if value.startswith("["):
            return list(json.loads(value))  # for elements that are empty or hold a comma
        return [part.strip() for part in value.split(",") if part.strip()]
    return list(value)  # type: ignore[call-overload, no-any-return]  # a TypeError is what convert expects


def _truth(value: object) -> bool:
    return value if isinstance(value, bool) else _TRUTH[str(value).lower()]


def _day(name: str, value: date | str | None) -> date | None:
    if isinstance(value, datetime):
        return value.date()
    if value is None or isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise UsageError(f"{name} is a day like 2026-05-31, which {value[:40]!r} is not") from None


_READ: Mapping[str, Any] = {"DATE": _date, "VARCHAR": str, "INTEGER": int, "BIGINT": int, "DOUBLE": float, "BOOLEAN": _truth}
