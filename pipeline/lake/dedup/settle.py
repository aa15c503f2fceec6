"""Settling: which reports of a batch are new, which of an identity counts, what became of each message. PURE.

Among the reports of one identity the best trust tier counts, within a tier the smallest content digest. The others are superseded,
whichever came first: so neither the order of messages nor how they fall into batches matters for what counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pipeline.tables.row_types import SupersededRow
from pipeline.tables.schema import TRUST_TIERS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

_RANK = {tier: rank for rank, tier in enumerate(TRUST_TIERS)}
_PRECEDENCE = ("stored", "conflict", "quarantined", "duplicate")
_ARRIVED = frozenset({"stored", "conflict"})
NAMING_COLUMNS = (
    "item",
    "message_id",
    "subject",
    "from_domain",
    "tls_report_domain",
    "tls_report_submitter",
    "subject_report_id",
    "attachment_name",
    "reject_detail",
)
"""Columns of the ledger whose text is the sender's, or made of it."""
SEEN = "seen"
"""Of a report key: it was in the lake once, and is not taken again from a message that carried it."""
_KEEPS_BYTES = frozenset({"stored", "conflict", "quarantined"})


PENDING = "pending"
"""Instead of the outcome, of a message that awaits the DNS: it stays where it is."""
NEVER_ASKED_AGAIN = frozenset({"expired", "erased", "too_large", "not_tlsrpt"})
"""Outcomes of messages that nothing more is learnt about from the DNS."""


def awaits_dns(outcome: str, dkim_result: str | None) -> bool:
    """Say whether a message is judged again when the DNS gives the key of its signature (`Ledger.waiting_for_dns`).

    A duplicate and a conflict await it, too: they may turn out better proved than what they repeat, and then count in its place.
    """
    return dkim_result == "temperror" and outcome not in NEVER_ASKED_AGAIN


def mailbox_outcomes(outcomes: Iterable[str], dkim_results: Iterable[str | None]) -> list[str]:
    """Return by message what its mailbox is told: the outcome, or `PENDING`."""
    pairs = zip(outcomes, dkim_results, strict=True)
    return [PENDING if awaits_dns(outcome, result) else outcome for outcome, result in pairs]


class KnownReport(NamedTuple):
    """What settling needs to know of a report."""

    report_key: str
    identity: str
    trust_tier: str
    content_sha256: str
    report_month: str

    @property
    def rank(self) -> tuple[int, str]:
        """The smallest of an identity counts."""
        return _RANK[self.trust_tier], self.content_sha256


class Known(NamedTuple):
    """What the lake holds already that concerns this batch."""

    reports: Mapping[str, Sequence[KnownReport]]
    """By identity: all reports of it; at least for the identities in the batch that have a report with a new key."""
    keys: Collection[str] = ()
    """Those of the batch's report keys that are there already."""
    raw: Collection[str] = ()
    """sha256 of messages whose bytes are kept."""
    retired: Mapping[str, str] = {}
    """report_key or message_sha256 of what has expired or was erased, with that outcome (or `SEEN`): it does not come back."""


class Claim(NamedTuple):
    """What a message is settled by: what it is itself, and the reports it brings."""

    message_sha256: str
    received_month: str
    outcome: str
    """`stored` for one with reports, before it is settled whether they are new; else what became of it when it was read."""
    reject_code: str | None
    dkim_result: str
    reports: tuple[KnownReport, ...]


class Settlement(NamedTuple):
    """What a batch adds to the lake."""

    outcomes: list[str]
    """One for each message given, in order."""
    news: list[list[bool]]
    """Parallel to the messages: which of its reports are new."""
    superseded: list[SupersededRow]
    keeps_bytes: list[bool]
    """Parallel to the messages: whether its bytes go to `raw`."""


def settle(messages: Sequence[Claim], known: Known, previous: Sequence[str] | None = None) -> Settlement:
    """Settle the messages of a batch against what is known.

    Args:
        messages: What was read.
        known: What the lake holds.
        previous: Parallel to `messages`, where these messages are in the ledger already and are judged again, their outcomes there: what
            became of a message when it came stays (`stored` is not unsaid because its better proved self is new), unless it had brought
            nothing then.
    """
    held = {identity: list(reports) for identity, reports in known.reports.items()}
    before = {identity: tuple(reports) for identity, reports in held.items()}
    raw = set(known.raw)
    done = Settlement([], [], [], [])
    touched: dict[str, None] = {}
    for place, message in enumerate(messages):
        outcome = _retired(message, known.retired)
        fates = [_place(report, held, known) if outcome is None else "" for report in message.reports]
        if outcome is None:
            outcome = outcome_of(message, fates)
        if previous is not None:
            outcome = _again(outcome, previous[place])
        keeps = _keeps_bytes(outcome, message.dkim_result) and message.message_sha256 not in raw
        if keeps:
            raw.add(message.message_sha256)
        news = [fate in _ARRIVED for fate in fates]
        for report, new in zip(message.reports, news, strict=True):
            if new:
                touched[report.identity] = None
        done.outcomes.append(outcome)
        done.news.append(news)
        done.keeps_bytes.append(keeps)
    done.superseded.extend(_losers(touched, before, held))
    return done


def outcome_of(message: Claim, fates: Iterable[str]) -> str:
    """Return the outcome of a message whose reports met these fates: the first that applies."""
    met = set(fates)
    if not met:
        return message.outcome
    if message.reject_code is not None:
        met.add("quarantined")
    return next(outcome for outcome in _PRECEDENCE if outcome in met)


def _again(outcome: str, before: str) -> str:
    carries = outcome in _ARRIVED or outcome == "duplicate"
    return before if carries and before in _ARRIVED else outcome


def _place(report: KnownReport, held: dict[str, list[KnownReport]], known: Known) -> str:
    if report.report_key in known.keys or report.report_key in known.retired:
        return "duplicate"
    others = held.setdefault(report.identity, [])
    conflict = False
    for other in others:
        if other.report_key == report.report_key:
            return "duplicate"
        conflict = conflict or other.content_sha256 != report.content_sha256
    others.append(report)
    return "conflict" if conflict else "stored"


def superseded_among(reports: Sequence[KnownReport]) -> list[SupersededRow]:
    """Return the rows of `superseded` for all reports of one identity."""
    best = min(reports, key=lambda report: report.rank, default=None)
    return [
        SupersededRow(
            report.report_month,
            report.report_key,
            report.identity,
            best.report_key,
            "better_tier" if report.trust_tier != best.trust_tier else "conflict",
        )
        for report in reports
        if best is not None and report.report_key != best.report_key
    ]


def _losers(
    identities: Iterable[str], before: Mapping[str, Sequence[KnownReport]], after: Mapping[str, Sequence[KnownReport]]
) -> Iterator[SupersededRow]:
    for identity in identities:
        if len(after[identity]) == 1:
            continue
        lost = {row.report_key for row in superseded_among(before.get(identity, ()))}
        yield from (row for row in superseded_among(after[identity]) if row.report_key not in lost)


def _retired(message: Claim, retired: Mapping[str, str]) -> str | None:
    """Return `expired` or `erased` where this very message, or every report in it, is something the lake was told to forget."""
    if not retired:
        return None
    whole = retired.get(message.message_sha256)
    if whole is not None:
        return whole
    fates = {retired.get(report.report_key) for report in message.reports}
    return fates.pop() if len(fates) == 1 and not fates & {None, SEEN} else None


def _keeps_bytes(outcome: str, dkim_result: str) -> bool:
    # A duplicate that waits for the DNS may yet turn out better proved than the report it repeats: it is looked at again from its bytes.
    return outcome in _KEEPS_BYTES or awaits_dns(outcome, dkim_result)
