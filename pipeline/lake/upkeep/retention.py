"""Retention: bytes are kept for so many days, rows for so many months. The ledger stays, so that nothing comes back from a mailbox.

Every step is found from the state of the lake, so that the next run finishes it if this one is killed: the ledger is told first, then
bytes and rows go, the reports last, because from them the rest is found.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.failpoint import reach
from pipeline.lake.dedup.dedup_index import RETIRED
from pipeline.lake.dedup.digest_set import Digests
from pipeline.lake.delta.data_file_list import Present
from pipeline.lake.delta.delta_tables import commit_parts
from pipeline.lake.delta.rewrite import put_part
from pipeline.lake.delta.row_masks import Column, Mask, all_within, any_within, before, is_one_of, negated, put_where
from pipeline.lake.delta.scan import read
from pipeline.lake.ledger_edits import stage_edit

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.lake.open_lake import OpenLake

REPORT_TABLES = ("superseded", "failures", "policies", "reports")
"""In the order in which their rows go."""
CARRIES = ("stored", "conflict", "duplicate")
"""Outcomes of messages that carried reports."""


class Keep(NamedTuple):
    """What to keep; None keeps for ever."""

    raw_since: datetime | None = None
    """Bytes of messages received earlier go."""
    reports_since: str | None = None
    """Rows of reports of earlier months go."""


def keep_from(today: date, *, raw_days: int, report_months: int) -> Keep:
    """Return what the settings keep on a day; 0 keeps for ever.

    Args:
        today: The day (UTC).
        raw_days: Days of bytes before `today`.
        report_months: Whole months of reports before the present one.
    """
    raw_since = datetime(today.year, today.month, today.day, tzinfo=UTC) - timedelta(days=raw_days) if raw_days else None
    months = today.year * 12 + today.month - 1 - report_months
    return Keep(raw_since, f"{months // 12:04d}-{months % 12 + 1:02d}" if report_months else None)


def expire(lake: OpenLake, keep: Keep, *, dry_run: bool) -> Counter[str]:
    """Let go what is not kept.

    Args:
        lake: Open for writing: locked, recovered, its tables at hand.
        keep: From when on bytes and reports stay.
        dry_run: Whether to count only.

    Returns:
        Rows that went, or would go, by table; for `messages` the rows that turn `expired`.
    """
    old = {name: [file for file in lake.present(name) if file.month < (keep.reports_since or "")] for name in REPORT_TABLES}
    went = Counter({name: sum(file.rows for file in files) for name, files in old.items()})
    keys: Column = read(lake.location, "reports", [file.path for file in old["reports"]], ["report_key"]).column(0).combine_chunks()
    expires = partial(_expires, gone_keys=keys, raw_since=keep.raw_since)
    went["messages"] = retire(lake, expires, "expired", gone_keys=keys, dry_run=dry_run)
    reach("retention-told")
    went["raw"] = drop_bytes(lake, keep.raw_since, also=expires, dry_run=dry_run)
    for name in REPORT_TABLES if not dry_run else ():
        if old[name]:
            commit_parts(lake.location, name, lake.tables[name], removes=[file.gone for file in old[name]])
            reach("retention-dropped")
    return went


def retire(
    lake: OpenLake,
    retires: Callable[[pa.Table], Mask],
    outcome: str,
    *,
    gone_keys: Column,
    also: Callable[[pa.Table, Mask], pa.Table] | None = None,
    dry_run: bool,
) -> int:
    """Give ledger rows a new outcome, in one batch; a row that loses some of its reports only is marked as changed.

    Args:
        lake: Open for writing: locked, recovered, its tables at hand.
        retires: Says which rows.
        outcome: `expired` or `erased`.
        gone_keys: The report keys that go.
        also: Edits rows further; it gets them and the mask, and returns the same object where it has nothing to do.
        dry_run: Whether to count only.

    Returns:
        The number of rows.
    """
    stage = lake.stage()
    now = pa.scalar(datetime.now(UTC), pa.timestamp("us", tz="UTC"))
    values: dict[str, pa.Scalar[Any]] = {"outcome": pa.scalar(outcome), "changed_at": now, "batch": pa.scalar(stage.batch, pa.int64())}
    count = 0
    edited = False

    def edit(rows: pa.Table) -> pa.Table | None:
        nonlocal count, edited
        mask = retires(rows)
        count += pc.sum(mask).as_py() or 0
        new = also(rows, mask) if also else rows
        for name, value in values.items() if pc.any(mask).as_py() else ():
            new = put_where(new, name, mask, value)
        part = pc.and_not(pc.and_(is_one_of(rows.column("outcome"), CARRIES), any_within(rows.column("report_keys"), gone_keys)), mask)
        new = put_where(new, "changed_at", part, now) if pc.any(part).as_py() else new
        edited = edited or new is not rows
        return new if new is not rows and not dry_run else None

    stage_edit(lake, stage, edit)
    if edited and not dry_run:
        lake.commit(stage)
    return count


def drop_bytes(lake: OpenLake, received_since: datetime | None, *, also: Callable[[pa.Table], Mask] | None, dry_run: bool) -> int:
    """Remove from `raw` what no message of the ledger keeps any more: retired, or received too long ago.

    Args:
        lake: Open for writing: locked, recovered, its tables at hand.
        received_since: The moment from which messages keep their bytes; None for any.
        also: Says of ledger rows which more lose their bytes; None: no more.
        dry_run: Whether to count only.

    Returns:
        The number of messages whose bytes went, or would go.
    """
    kept = Digests()
    for file in lake.present("messages"):
        rows = read(lake.location, "messages", [file.path])
        gone = is_one_of(rows.column("outcome"), RETIRED)
        if received_since is not None:
            gone = pc.or_(gone, before(rows.column("received_at"), received_since))
        if also is not None:
            gone = pc.or_(gone, also(rows))
        kept.load([rows.column("message_sha256").filter(negated(gone))])
    return sum(_drop_bytes_of(lake, file, kept, dry_run=dry_run) for file in lake.present("raw"))


def _drop_bytes_of(lake: OpenLake, file: Present, kept: Digests, *, dry_run: bool) -> int:
    hashes: list[Any] = read(lake.location, "raw", [file.path], ["message_sha256"]).column(0).to_pylist()
    stay = set(kept.among(hashes))
    count = sum(value not in stay for value in hashes)
    if count and not dry_run:
        adds = []
        if stay:
            rows = read(lake.location, "raw", [file.path]).filter(pa.array([value in stay for value in hashes]))
            adds.append(put_part(lake.location, "raw", rows, file.month, prefix="r"))
        commit_parts(lake.location, "raw", lake.tables["raw"], adds=adds, removes=[file.gone])
        reach("bytes-dropped")
    return count


def _expires(rows: pa.Table, gone_keys: Column, raw_since: datetime | None) -> Mask:
    """Say of ledger rows whether nothing of them is left: all their reports go, or they could not be read and their bytes go."""
    outcome = rows.column("outcome")
    expired = pc.and_(is_one_of(outcome, CARRIES), all_within(rows.column("report_keys"), gone_keys))
    if raw_since is not None:
        expired = pc.or_(expired, pc.and_(is_one_of(outcome, ["quarantined"]), before(rows.column("received_at"), raw_since)))
    return expired
