"""How submitters report, kept beside the sums of months under a name that says what it was learned from (decision 0067).

Learning it reads the newest million policies, and every process that asks a large lake begins with it. `maintain` keeps it; what changes in
the lake, its configuration or this program gives it another name, under which there is nothing, and it is learned again.
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING

from pipeline import __version__
from pipeline.lake.delta.snapshot import SUMS_FOLDER
from pipeline.query.month_sums import view_digest
from pipeline.query.scope import newest_months
from pipeline.query.submitter_habits import SAME_SESSIONS, Habits

if TYPE_CHECKING:
    from pipeline.lake.delta.snapshot import Snapshot
    from pipeline.lake.storage.location import Location

_BEGINS = "habits-"
_LEARNED_FROM = ("reports", "policies", "superseded", "checks")


def name_of(snapshot: Snapshot, rules: str) -> str:
    """Return what the habits of a lake are called.

    Args:
        snapshot: The lake.
        rules: What counts, and for whom, as text.
    """
    files = sorted((name, *entry.path.rsplit("/", 2)[1:]) for name in _LEARNED_FROM for entry in snapshot.files.get(name, ()))
    known = (__version__, SAME_SESSIONS, view_digest(), rules, snapshot.version, newest_months(snapshot), files)
    return f"{SUMS_FOLDER}/{_BEGINS}{sha256(repr(known).encode()).hexdigest()[:32]}.json"


def read_kept(location: Location, name: str) -> Habits | None:
    """Return what is kept under a name; None: nothing that can be read."""
    content = location.store.get(name)
    try:
        plain = json.loads(content or b"")
        return Habits(**{habit: tuple(map(str, plain[habit])) for habit in Habits._fields})
    except (ValueError, KeyError, TypeError):
        return None


def keep(location: Location, name: str, habits: Habits) -> None:
    """Write habits, and remove those of another name.

    Args:
        location: Where the lake lies; the caller holds its lock.
        name: See `name_of`.
        habits: What was learned.
    """
    kept = [file.path for file in location.store.walk(SUMS_FOLDER) if file.path.rpartition("/")[2].startswith(_BEGINS)]
    location.store.remove_all([path for path in kept if path != name])
    if name not in kept:
        location.store.put(name, json.dumps(habits._asdict()).encode())
