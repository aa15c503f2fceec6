"""What a batch adds to the lake: settled by a few columns of its chunks, and then taken out of their rows.

A chunk may lie in memory or be spooled by another process: what settling goes by is its essence, and what is decided is said in places of
the chunk, so that whoever has the rows can take those that are new.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.lake.dedup.ledger import FILE_ACCOUNT
from pipeline.lake.dedup.settle import NAMING_COLUMNS, Claim, Known, KnownReport, awaits_dns, settle
from pipeline.lake.delta.row_masks import with_columns
from pipeline.tables.chunk_columns import column_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from pipeline.lake.dedup.dedup_index import Knowledge
    from pipeline.lake.dedup.ledger import Ledger
    from pipeline.tables.chunk_columns import ChunkColumns
    from pipeline.tables.row_types import SupersededRow

MESSAGE_IX, REPORT_IX = "message_ix", "report_ix"
"""Columns beside those of the schema: the place of a row's message, or report, in the chunk."""
_KEEPS = ("stored", "quarantined")
_MESSAGE_COLUMNS = ("message_sha256", "received_month", "outcome", "reject_code", "dkim_result", "account")
REPORT_TABLES = ("failures", "policies", "reports")


class Essence(NamedTuple):
    """What settling goes by of a chunk."""

    messages: pa.Table
    """A row a message: `_MESSAGE_COLUMNS`; keeps: whether there are bytes to keep; reports: how many it has."""
    reports: pa.Table
    """A row a report, in the order of the messages: the fields of a `KnownReport`."""


class Taken(NamedTuple):
    """What a batch takes of a chunk; what is not named here is taken as it is."""

    dropped: list[int]
    """Messages that get no row: their bytes, or their place in a folder, are known."""
    outcomes: dict[int, str]
    """Messages whose outcome is not what reading them gave."""
    old_reports: list[int]
    """Rows of `reports` that are not new."""
    no_bytes: list[int]
    """Messages whose bytes are not kept."""


class NewKeys(NamedTuple):
    """What the lake knows once the batch is committed."""

    files: list[str]
    raw: list[str]
    reports: dict[str, tuple[list[str], list[str]]]
    """By month: identities and keys."""


class Decided(NamedTuple):
    """What a batch adds to the lake."""

    taken: list[Taken]
    """Parallel to the chunks."""
    superseded: list[SupersededRow]
    outcomes: list[str]
    """One a message of the batch; `duplicate` also for those that get no row."""
    rows: int
    """Rows of the ledger."""
    reports_new: int
    pending: int
    """Messages that wait for the DNS."""
    news: NewKeys


def tables_of(columns: ChunkColumns) -> dict[str, pa.Table]:
    """Return the tables of a chunk with the places that decisions go by, and `raw` with all bytes that may be kept."""
    reports = columns.reports
    counts = {"policies": reports.column("policy_count"), "failures": reports.column("failure_detail_count")}
    placed = {
        name: getattr(columns, name).append_column(REPORT_IX, pa.array(np.repeat(np.arange(len(many), dtype=np.int32), many.to_numpy())))
        for name, many in counts.items()
    }
    return {"messages": columns.messages, "reports": reports, **placed, "raw": _raw(columns.messages, columns.contents)}


def essence_of(tables: dict[str, pa.Table]) -> Essence:
    """Return what settling goes by."""
    messages = tables["messages"]
    told = messages.select(list(_MESSAGE_COLUMNS))
    told = told.append_column("keeps", _keeps(messages)).append_column("reports", pc.list_value_length(messages.column("report_keys")))
    return Essence(told, tables["reports"].select(list(KnownReport._fields)))


def decide(
    chunks: Sequence[Essence],
    about: Callable[[Sequence[Claim]], Known],
    dropped: Sequence[bool] | None = None,
    previous: Sequence[str] | None = None,
) -> Decided:
    """Settle the messages of a batch, in the order of its chunks.

    Args:
        chunks: What is known of each chunk.
        about: Returns what the lake holds that concerns some messages.
        dropped: For each message of the batch whether it gets no row; by default none is dropped.
        previous: For each message its outcome in the ledger, where they are judged again (see `settle`).
    """
    claims, keeps, accounts = _claims(chunks)
    gone = dropped if dropped is not None else [False] * len(claims)
    ours = [place for place, left_out in enumerate(gone) if not left_out]
    asked = [claims[place] for place in ours]
    settlement = settle(asked, about(asked), previous)
    outcomes, kept, new = ["duplicate"] * len(claims), [False] * len(claims), [[False] * len(claim.reports) for claim in claims]
    for place, outcome, keep, fresh in zip(ours, settlement.outcomes, settlement.keeps_bytes, settlement.news, strict=True):
        outcomes[place], kept[place], new[place] = outcome, keep and keeps[place], fresh
    reports: dict[str, tuple[list[str], list[str]]] = defaultdict(lambda: ([], []))
    for claim, fresh in zip(claims, new, strict=True):
        for report, is_new in zip(claim.reports, fresh, strict=True):
            if is_new:
                reports[report.report_month][0].append(report.identity)
                reports[report.report_month][1].append(report.report_key)
    taken = []
    for start, end in pairwise(accumulate((chunk.messages.num_rows for chunk in chunks), initial=0)):
        places = range(start, end)
        rows = [is_new for place in places for is_new in new[place]]
        taken.append(
            Taken(
                [place - start for place in places if gone[place]],
                {place - start: outcomes[place] for place in places if outcomes[place] != claims[place].outcome and not gone[place]},
                [number for number, is_new in enumerate(rows) if not is_new],
                [place - start for place in places if keeps[place] and not kept[place] and not gone[place]],
            )
        )
    return Decided(
        taken,
        settlement.superseded,
        outcomes,
        len(ours),
        sum(map(sum, new)),
        sum(map(awaits_dns, settlement.outcomes, [claim.dkim_result for claim in asked])),
        NewKeys(
            [claims[place].message_sha256 for place in ours if accounts[place] == FILE_ACCOUNT and claims[place].message_sha256],
            [claim.message_sha256 for claim, has in zip(claims, kept, strict=True) if has],
            dict(reports),
        ),
    )


def repeated_files(chunks: Sequence[Essence], ledger: Ledger) -> list[bool]:
    """Say of each message of a batch of files whether its bytes are in the ledger already, or came before in this batch."""
    digests: list[Any] = [digest for chunk in chunks for digest in chunk.messages.column("message_sha256").to_pylist()]
    seen = ledger.file_hashes(digest for digest in digests if digest)
    repeated = []
    for digest in digests:
        repeated.append(digest in seen)
        if digest:
            seen.add(digest)
    return repeated


def remember(news: NewKeys, knowledge: Knowledge, ledger: Ledger) -> None:
    """Take note of what has been committed, so that the next batch is settled by it.

    Args:
        news: What the batch brought, from `Decided.news`.
        knowledge: Learns the new reports and kept bytes.
        ledger: Learns the new files.
    """
    ledger.add_files(news.files)
    knowledge.bytes.add(news.raw)
    for month, (identities, keys) in news.reports.items():
        knowledge.reports.note(month, identities, keys)


def take(table: str, rows: pa.Table, taken: Taken) -> pa.Table:
    """Return the rows of a table of a chunk that a batch takes, with the columns of the schema but `batch`.

    Args:
        table: One of those of `tables_of`.
        rows: All rows of that table in the chunk, with the columns that `tables_of` adds.
        taken: What was decided on the chunk.
    """
    if table == "messages":
        return _without(_judged(rows, taken.outcomes), np.arange(rows.num_rows), taken.dropped)
    if table == "reports":
        return _without(rows, np.arange(rows.num_rows), taken.old_reports)
    column, out = (MESSAGE_IX, [*taken.dropped, *taken.no_bytes]) if table == "raw" else (REPORT_IX, taken.old_reports)
    return _without(rows.drop_columns([column]), rows.column(column).to_numpy(), out)


def _claims(chunks: Sequence[Essence]) -> tuple[list[Claim], list[bool], list[str]]:
    claims: list[Claim] = []
    keeps: list[bool] = []
    accounts: list[str] = []
    for chunk in chunks:
        told: list[list[Any]] = [column.to_pylist() for column in chunk.messages.columns]
        *columns, account, keep, counts = told
        reports = [KnownReport(*values) for values in zip(*(column.to_pylist() for column in chunk.reports.columns), strict=True)]
        spans = pairwise(accumulate(counts, initial=0))
        claims += [
            Claim._make((*values, tuple(reports[slice(*span)]))) for span, values in zip(spans, zip(*columns, strict=True), strict=True)
        ]
        keeps += keep
        accounts += account
    return claims, keeps, accounts


def _raw(messages: pa.Table, contents: list[bytes]) -> pa.Table:
    keeps = _keeps(messages)
    kept = pa.array(contents, pa.binary()).filter(keeps)
    head = messages.select(["received_month", "message_sha256"]).filter(keeps)
    columns: list[Any] = [*head.columns, pc.binary_length(kept).cast(pa.int64()), kept]
    places = pa.array(np.flatnonzero(keeps.to_numpy(zero_copy_only=False)).astype(np.int32))
    return pa.Table.from_arrays(columns, schema=column_schema("raw")).append_column(MESSAGE_IX, places)


def _keeps(messages: pa.Table) -> pa.BooleanArray:
    """Say of each message whether its bytes are to be kept, should its reports be new."""
    outcomes: Any = messages.column("outcome").combine_chunks()
    keeps: pa.BooleanArray = pc.is_in(outcomes, value_set=pa.array(_KEEPS))
    return keeps


def _without(rows: pa.Table, places: NDArray[Any], out: Iterable[int]) -> pa.Table:
    gone = np.fromiter(out, np.int64)
    return rows.filter(pa.array(~np.isin(places, gone))) if len(gone) else rows


def _judged(messages: pa.Table, outcomes: dict[int, str]) -> pa.Table:
    """Return ledger rows with their outcomes; one that was erased loses what may name a domain.

    What identifies the message stays, so that it does not come back.
    """
    if not outcomes:
        return messages
    before = messages.column("outcome").to_pylist()
    changes: dict[str, list[Any]] = {"outcome": [outcomes.get(place, old) for place, old in enumerate(before)]}
    erased = {place for place, outcome in outcomes.items() if outcome == "erased"}
    if erased:
        files = {place for place, account in enumerate(messages.column("account").to_pylist()) if account == FILE_ACCOUNT}
        for name in NAMING_COLUMNS:
            changes[name] = [None if place in erased else old for place, old in enumerate(messages.column(name).to_pylist())]
        changes["folder"] = ["" if place in erased & files else old for place, old in enumerate(messages.column("folder").to_pylist())]
    return with_columns(messages, changes)
