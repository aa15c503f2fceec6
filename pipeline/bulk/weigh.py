"""The driver's part: which messages of a batch are new, which reports count, what becomes of each.

Nearly all messages of an archive are new and repeat nothing: those are seen to be so by their digests, and are taken as the workers read
them. For the others the rules of `pipeline.lake.settle` decide, on rows that carry only what the rules look at.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

from pipeline.bulk.tasks import Kept, ReadReply
from pipeline.lake.known import Knowledge
from pipeline.lake.ledger import FILE_ACCOUNT, Ledger
from pipeline.lake.settle import settle
from pipeline.row_types import MessageRow, MessageRows, ReportRow, ReportRows, SupersededRow

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.lake.known import Files

_NO_MESSAGE = MessageRow._make([None] * len(MessageRow._fields))._replace(account=FILE_ACCOUNT)
_NO_REPORT = ReportRow._make([None] * len(ReportRow._fields))


class News(NamedTuple):
    """What the lake knows once the batch is committed."""

    messages: list[str]
    raw: list[str]
    reports: dict[str, tuple[list[str], list[str]]]
    """By month: identities and keys."""


class Weighed(NamedTuple):
    """What a batch adds to the lake."""

    kept: list[Kept]
    """Parallel to the chunks; folder and token are the caller's."""
    superseded: list[SupersededRow]
    outcomes: list[str]
    """One a message of the batch; `duplicate` also for those that get no row."""
    rows: int
    """Rows of the ledger."""
    reports_new: int
    pending: int
    """Messages that wait for the DNS."""
    known: News


NOTHING = Weighed([], [], [], 0, 0, 0, News([], [], {}))
"""Of a batch without chunks."""


class _Batch(NamedTuple):
    """The columns of all chunks of a batch, one after the other."""

    digests: list[str]
    outcomes: list[str]
    reject_codes: list[str | None]
    dkim_results: list[str]
    keeps: list[bool]
    counts: list[int]
    keys: list[str]
    identities: list[str]
    tiers: list[str]
    contents: list[str]
    months: list[str]

    @classmethod
    def of(cls, replies: Sequence[ReadReply]) -> _Batch:
        messages = pa.concat_tables([reply.messages for reply in replies])
        reports = pa.concat_tables([reply.reports for reply in replies])
        columns: list[Any] = [column.to_pylist() for column in (*messages.columns, *reports.columns)]
        return cls(*columns)


class Weigher:
    """Weighs one batch after the other against the lake and against those before it."""

    def __init__(self, files: Mapping[str, Files], floor: int, received_month: str) -> None:
        """Take the data files of the lake."""
        self._knowledge = Knowledge(dict(files), floor)
        self._ledger = Ledger(files["messages"], floor)
        self._received_month = received_month

    def weigh(self, replies: Sequence[ReadReply]) -> Weighed:
        """Weigh what the chunks of a batch hold, in the order of the chunks."""
        batch = _Batch.of(replies)
        dropped = self._dropped(batch.digests)
        spans = _spans(batch.counts)
        contested = self._contested(batch, dropped, spans)
        skeletons = [_skeleton(batch, place, spans[place]) for place in contested]
        settlement = settle(skeletons, self._knowledge.about(skeletons))
        outcomes = ["duplicate" if gone else outcome for gone, outcome in zip(dropped, batch.outcomes, strict=True)]
        keeps = [not gone and keep for gone, keep in zip(dropped, batch.keeps, strict=True)]
        for place, row, keep in zip(contested, settlement.messages, settlement.keeps_bytes, strict=True):
            outcomes[place], keeps[place] = row.outcome, keep and batch.keeps[place]
        added = {rows.report.report_id for rows in settlement.reports}
        old = {number for place in contested for number in spans[place] if str(number) not in added}
        old.update(number for place, gone in enumerate(dropped) if gone for number in spans[place])
        return Weighed(
            _decisions(replies, batch, _Judged(dropped, outcomes, keeps), old),
            settlement.superseded,
            outcomes,
            len(dropped) - sum(dropped),
            len(batch.keys) - len(old),
            sum(not gone and result == "temperror" for gone, result in zip(dropped, batch.dkim_results, strict=True)),
            _news(batch, dropped, keeps, old),
        )

    def remember(self, news: News) -> None:
        """Take note of what has been committed."""
        self._ledger.add_files(news.messages)
        self._knowledge.bytes.add(news.raw)
        for month, (identities, keys) in news.reports.items():
            self._knowledge.reports.note(month, identities, keys)

    def _dropped(self, digests: Sequence[str]) -> list[bool]:
        """Say of each message whether its bytes are in the ledger already, or came before in this batch."""
        seen = self._ledger.file_hashes(digest for digest in digests if digest)
        dropped = []
        for digest in digests:
            dropped.append(digest in seen)
            if digest:
                seen.add(digest)
        return dropped

    def _contested(self, batch: _Batch, dropped: Sequence[bool], spans: Sequence[range]) -> list[int]:
        """Return the messages that are not plainly new: the lake, or this batch, has something that concerns them."""
        fresh = [place for place, gone in enumerate(dropped) if not gone]
        by_month: dict[str, list[int]] = defaultdict(list)
        for place in fresh:
            for number in spans[place]:
                by_month[batch.months[number]].append(number)
        met: set[str] = set()
        for month, numbers in by_month.items():
            met |= self._knowledge.reports.met(month, [batch.identities[n] for n in numbers], [batch.keys[n] for n in numbers])
        times = Counter(batch.identities[number] for numbers in by_month.values() for number in numbers)
        met.update(identity for identity, count in times.items() if count > 1)
        met |= self._knowledge.bytes.of(batch.digests[place] for place in fresh if batch.digests[place])
        met |= self._knowledge.retired.of([self._received_month]).keys()
        if not met:
            return []
        return [
            place
            for place in fresh
            if batch.digests[place] in met or any(batch.identities[n] in met or batch.keys[n] in met for n in spans[place])
        ]


def _spans(counts: Sequence[int]) -> list[range]:
    """Return the numbers of the reports of each message."""
    ends = list(accumulate(counts, initial=0))
    return [range(start, end) for start, end in pairwise(ends)]


def _skeleton(batch: _Batch, place: int, span: range) -> MessageRows:
    """Return the rows of a message with what settling looks at; `report_id` says which report of the batch one is."""
    message = _NO_MESSAGE._replace(
        message_sha256=batch.digests[place],
        outcome=batch.outcomes[place],
        reject_code=batch.reject_codes[place],
        dkim_result=batch.dkim_results[place],
    )
    reports = [
        ReportRows(
            _NO_REPORT._replace(
                report_id=str(number),
                report_key=batch.keys[number],
                identity=batch.identities[number],
                trust_tier=batch.tiers[number],
                content_sha256=batch.contents[number],
                report_month=batch.months[number],
            ),
            (),
            (),
        )
        for number in span
    ]
    return MessageRows(message, tuple(reports), b"")


class _Judged(NamedTuple):
    """What became of each message, parallel to those of the batch."""

    dropped: list[bool]
    outcomes: list[str]
    keeps: list[bool]


def _decisions(replies: Sequence[ReadReply], batch: _Batch, judged: _Judged, old: set[int]) -> list[Kept]:
    """Return what is decided, chunk by chunk, in places of the chunk."""
    dropped, outcomes, keeps = judged
    kept = []
    first, first_report = 0, 0
    gone = sorted(old)
    for reply in replies:
        places = range(first, first + reply.messages.num_rows)
        reports = range(first_report, first_report + reply.reports.num_rows)
        kept.append(
            Kept(
                "",
                reply.token,
                [place - first for place in places if dropped[place]],
                {place - first: outcomes[place] for place in places if not dropped[place] and outcomes[place] != batch.outcomes[place]},
                [number - first_report for number in gone[bisect_left(gone, reports.start) : bisect_left(gone, reports.stop)]],
                [place - first for place in places if batch.keeps[place] and not keeps[place] and not dropped[place]],
            )
        )
        first, first_report = places.stop, reports.stop
    return kept


def _news(batch: _Batch, dropped: Sequence[bool], keeps: Sequence[bool], old: set[int]) -> News:
    reports: dict[str, tuple[list[str], list[str]]] = defaultdict(lambda: ([], []))
    for number, month in enumerate(batch.months):
        if number not in old:
            identities, keys = reports[month]
            identities.append(batch.identities[number])
            keys.append(batch.keys[number])
    return News(
        [digest for digest, gone in zip(batch.digests, dropped, strict=True) if digest and not gone],
        [digest for digest, keep in zip(batch.digests, keeps, strict=True) if keep],
        dict(reports),
    )
