"""What was learned of a lake, and the answers a morning begins with, kept beside the sums of months (decisions 0067 and 0069).

Each lies under a name that says what it came from. `maintain` keeps them; what changes in the lake, its configuration or this program gives
them another name, under which there is nothing, and it is learned or asked again.
"""

from __future__ import annotations

import json
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pipeline import __version__
from pipeline.lake.delta.snapshot import SUMS_FOLDER
from pipeline.query.month_sums import view_digest
from pipeline.query.scope import newest_months
from pipeline.query.submitter_habits import SAME_SESSIONS, Habits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from pipeline.lake.delta.snapshot import Snapshot
    from pipeline.lake.storage.location import Location
    from pipeline.query.catalogue import Question
    from pipeline.query.conclusions import Analysis

_HABITS, _ANSWERS = "habits-", "answers-"
_CAME_FROM = ("reports", "policies", "failures", "superseded", "checks")
USUAL_DAYS = 28
"""Days the page shows first."""
FIRST_DRAWN = ("domains_and_reporters", "success_rate", "sessions_by_day", "failures_by_day_and_result_type")
"""Questions about a period that are drawn first: the first visitor waits for them."""
_PACKED = pa.ipc.IpcWriteOptions(compression="zstd")


def name_of(snapshot: Snapshot, rules: str) -> str:
    """Return what the state of a lake is called.

    Args:
        snapshot: The lake.
        rules: What counts, and for whom, as text.
    """
    files = sorted((name, *entry.path.rsplit("/", 2)[1:]) for name in _CAME_FROM for entry in snapshot.files.get(name, ()))
    known = (__version__, SAME_SESSIONS, view_digest(), rules, snapshot.version, newest_months(snapshot), files)
    return sha256(repr(known).encode()).hexdigest()[:32]


def answer_name(question: Question, values: Mapping[str, Any]) -> str:
    """Return what an answer is called, beside the state of the lake.

    Args:
        question: What was asked.
        values: By parameter, as `Question.bind` returns them.
    """
    return sha256(repr((question.sql, sorted(values.items()))).encode()).hexdigest()[:32]


def read_habits(location: Location, name: str) -> Habits | None:
    """Return the habits kept of a state; None: there are none, or none that can be read."""
    content = location.store.get(f"{SUMS_FOLDER}/{_HABITS}{name}.json")
    try:
        plain = json.loads(content or b"")
        return Habits(**{habit: tuple(map(str, plain[habit])) for habit in Habits._fields})
    except (ValueError, KeyError, TypeError):
        return None


def keep_habits(location: Location, name: str, habits: Habits) -> None:
    """Write the habits of a state, and remove those of others.

    Args:
        location: Where the lake lies; the caller holds its lock.
        name: See `name_of`.
        habits: What was learned.
    """
    _keep(location, _HABITS, {f"{_HABITS}{name}.json": json.dumps(habits._asdict()).encode()})


def answers_kept(location: Location, name: str) -> frozenset[str]:
    """Return the names of the answers that are kept of a state."""
    begins = f"{SUMS_FOLDER}/{_ANSWERS}{name}-"
    found = (file.path for file in location.store.walk(SUMS_FOLDER) if file.path.startswith(begins))
    return frozenset(path.removeprefix(begins).removesuffix(".arrow") for path in found)


def read_answer(location: Location, name: str, asked: str) -> pa.Table | None:
    """Return a kept answer; None: there is none, or none that can be read.

    Args:
        location: Where the lake lies.
        name: Of the state of the lake, see `name_of`.
        asked: See `answer_name`.
    """
    content = location.store.get(f"{SUMS_FOLDER}/{_ANSWERS}{name}-{asked}.arrow")
    try:
        return pa.ipc.open_stream(content or b"").read_all()
    except (pa.ArrowException, OSError):
        return None


def keep_answers(location: Location, name: str, answers: Mapping[str, pa.Table]) -> None:
    """Write the answers of a state, and remove all others.

    Args:
        location: Where the lake lies; the caller holds its lock.
        name: See `name_of`.
        answers: By `answer_name`.
    """
    _keep(location, _ANSWERS, {f"{_ANSWERS}{name}-{asked}.arrow": _packed(answer) for asked, answer in answers.items()})


def ask_morning(lake: Analysis, today: date, *, usual: int, own: Sequence[str]) -> None:
    """Ask what the page draws first and what commands ask by default, all of it about all domains.

    Args:
        lake: What is asked.
        today: The day of asking (UTC).
        usual: Complete days that conclusions take by default.
        own: The domains that are ours.
    """
    since = today - timedelta(days=USUAL_DAYS - 1)
    period: dict[str, Any] = {"since": since, "until": today, "as_of": today}
    lake.ask("extent")
    for question in FIRST_DRAWN:
        lake.ask(question, **period)
    lake.ask("fleet", **period, own=list(own))
    lake.ask("success_rate", since=since - timedelta(days=USUAL_DAYS), until=since - timedelta(days=1), as_of=today)
    lake.ground(**period)
    lake.ground(as_of=today)
    for days in sorted({USUAL_DAYS, usual}):
        lake.coverage(days=days, as_of=today)
        lake.incidents(days=days, as_of=today)


def _packed(answer: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, answer.schema, options=_PACKED) as stream:
        stream.write_table(answer)
    return bytes(sink.getvalue())


def _keep(location: Location, begins: str, contents: Mapping[str, bytes]) -> None:
    """Write what is not there or is damaged, and remove what begins so and is not among it."""
    wanted = {f"{SUMS_FOLDER}/{file}": content for file, content in contents.items()}
    there = {file.path for file in location.store.walk(SUMS_FOLDER) if file.path.rpartition("/")[2].startswith(begins)}
    location.store.remove_all(sorted(there - wanted.keys()))
    for path, content in sorted(wanted.items()):
        if path not in there or location.store.get(path) != content:
            location.store.put(path, content)
