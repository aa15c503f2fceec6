"""Sums of whole months, for questions over years; `tlsrpt maintain` makes them, in files named for what they are made of (decision 0052).

A file holds what the session views come to in one closed month, by day, domain, reporter, tier and type, and coarser. Its name is a digest
of all that goes into it: the data files of the month, the first batch of the generation, the texts of the views, whose tiers and domains
count, and what was learned of the submitters. So nothing has to bring one up to date: whatever changes gives the month another name, under
which there is nothing until `maintain` makes it, and the question is answered from the rows, as it is of the months that are still open.

They are made under the lock of the lake: then the data files hold no row that is not committed. They lie in `_state`, which a backup leaves
out.
"""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.lake.delta.snapshot import SUMS_FOLDER
from pipeline.query.catalogue import view_texts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.lake.delta.snapshot import Snapshot
    from pipeline.lake.storage.location import Location
    from pipeline.query.submitter_habits import Habits

LEAST_ROWS = 200_000
"""Policies of a month from which its sums are made; fewer are quickly added up."""
MADE_OF = ("policies", "failures", "superseded")
"""The tables whose rows of a month the sums stand for."""
_ASKS = re.compile(r"settings\.(session_sums|mentions_summed)")
_ROW_GROUP_ROWS = 122_880

_TEXTS = ("grain", "report_domain", "submitter_domain", "trust_tier", "policy_type", "result_type", "result_group")
_SUMS = (
    "sessions", "authenticated", "failed", "unprotected", "sts_success", "sts_failure", "tlsa_success", "tlsa_failure", "mentions"
)  # fmt: skip
_TYPES: dict[str, pa.DataType] = {
    **dict.fromkeys(_TEXTS, pa.string()),
    "report_day": pa.date32(),
    "rated": pa.bool_(),
    **dict.fromkeys(_SUMS, pa.int64()),
}
SCHEMA: pa.Schema = pa.schema([pa.field(name, kind) for name, kind in _TYPES.items()])


class Made(NamedTuple):
    """One file of sums."""

    path: str
    size_bytes: int
    batch: int
    """The last batch when it was made: a snapshot of an earlier one does not show all that is in it."""


class Used(NamedTuple):
    """The files a question is answered from, and the months they stand for."""

    months: frozenset[str] = frozenset()
    whole: tuple[Made, ...] = ()
    """Of months that the period covers, asked of all domains."""
    part: tuple[Made, ...] = ()


def asks_sums(sql: str) -> bool:
    """Say whether a question is one that sums answer."""
    return _ASKS.search(sql) is not None


def list_made(location: Location) -> dict[str, Made]:
    """Return the files that there are, by the name that says what they are made of."""
    found = {}
    for file in location.store.walk(SUMS_FOLDER):
        name, _, batch = file.path.rpartition("/")[2].removesuffix(".parquet").rpartition(".")
        if batch.isdigit():
            found[name] = Made(file.path, file.size_bytes, int(batch))
    return found


def names_of(snapshot: Snapshot, rules: str, habits: Habits) -> dict[str, str]:
    """Return what the sums of each month would be called, for months that have enough rows.

    Args:
        snapshot: Says which data files the lake consists of.
        rules: What counts, as text.
        habits: What was learned of the submitters.
    """
    rows: dict[str, int] = {}
    made_of: dict[str, list[str]] = {}
    for table in MADE_OF:
        for entry in snapshot.files.get(table, ()):
            made_of.setdefault(entry.month, []).append("/".join((table, *entry.path.rsplit("/", 2)[1:])))
            if table == "policies":
                rows[entry.month] = rows.get(entry.month, 0) + entry.rows
    # Who is unsure, and what a loop is, sums do not tell; these come and go with every day.
    known = (view_digest(), rules, habits._replace(same=(), loops=()), snapshot.floor)
    digests = {month: sha256(repr((known, sorted(made_of[month]))).encode()).hexdigest() for month in rows}
    return {month: f"{month}-{digests[month][:32]}" for month, count in rows.items() if count >= LEAST_ROWS}


def choose(made: dict[str, Made], names: dict[str, str], snapshot: Snapshot, since: date, until: date, *, all_domains: bool) -> Used:
    """Return which files answer a question about a period.

    Args:
        made: The files that there are, see `list_made`.
        names: By month, what its sums are called now, see `names_of`.
        snapshot: The lake as it is read; files made of later batches are left out.
        since: The first day, inclusive.
        until: The last day, inclusive.
        all_domains: Whether the question is about no domain in particular.
    """
    whole: list[Made] = []
    part: list[Made] = []
    months = set()
    for month, name in names.items():
        found = made.get(name)
        first = date(int(month[:4]), int(month[5:]), 1)
        last = first.replace(day=monthrange(first.year, first.month)[1])
        if found is None or found.batch > snapshot.batch or last < since or first > until:
            continue
        months.add(month)
        (whole if all_domains and since <= first and last <= until else part).append(found)
    return Used(frozenset(months), tuple(whole), tuple(part))


def store(location: Location, name: str, batch: int, sums: pa.Table) -> int:
    """Write the sums of a month, and return their size in bytes.

    Args:
        location: Where the lake lies; the caller holds its lock.
        name: What the sums are called, see `names_of`.
        batch: The last batch of the snapshot they were made of.
        sums: With the columns of `SCHEMA`, in any order.
    """
    content = to_bytes(sums)
    location.store.put(f"{SUMS_FOLDER}/{name}.{batch}.parquet", content)
    return len(content)


def remove_others(location: Location, keep: Iterable[str]) -> int:
    """Remove the files that stand for nothing any more; return how many."""
    wanted = set(keep)
    gone = [made.path for name, made in list_made(location).items() if name not in wanted]
    location.store.remove_all(gone)
    return len(gone)


def to_bytes(sums: pa.Table) -> bytes:
    """Return the sums of a month as a Parquet file."""
    sink = pa.BufferOutputStream()
    pq.write_table(sums.select(SCHEMA.names).cast(SCHEMA), sink, compression="zstd", row_group_size=_ROW_GROUP_ROWS)
    return bytes(sink.getvalue())


@cache
def view_digest() -> str:
    """Return a digest of the texts of all views."""
    texts = sorted((f"{name}.sql", text) for name, text in view_texts().items())
    return sha256(repr(texts).encode()).hexdigest()
