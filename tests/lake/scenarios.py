"""Work on a lake that a child process does and may be killed in: each can be run again and goes on from what is there."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from pipeline.lake.open_lake import open_for_writing
from pipeline.lake.upkeep.erase import erase_domain
from pipeline.lake.upkeep.maintain import maintain
from pipeline.lake.upkeep.rebuild import rebuild
from pipeline.lake.writer import LakeWriter
from pipeline.tables.row_types import ReportRows
from tests.lake.build import message, report, sha

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from pipeline.tables.row_types import MessageRow, MessageRows

APRIL = date(2026, 4, 2)

# Conflicts, tiers in both orders, duplicates inside a batch and across batches, two months, what is not a report, what cannot be read.
BATCHES: list[list[MessageRows]] = [
    [
        message("m1", report("r1")),
        message("m2", report("r1")),
        message("m3", report("r2", content="b"), report("r3", tier="unverified")),
        message("m4"),
        message("m5", outcome="not_tlsrpt"),
    ],
    [
        message("m6", report("r2", content="a")),
        message("m7", report("r3", tier="verified")),
        message("m8", report("r4", day=APRIL), received_at=datetime(2026, 4, 3, tzinfo=UTC)),
        message("m9", report("r1", tier="unaligned", content="forged")),
    ],
    [
        message("m10", report("r2", tier="attested", content="c")),
        message("m11", report("r4", day=APRIL), received_at=datetime(2026, 4, 3, tzinfo=UTC)),
        message("m12", report("r5", day=APRIL, bad=0), received_at=datetime(2026, 4, 3, tzinfo=UTC)),
    ],
]


def ingest(root: Path) -> None:
    """Commit the batches whose messages are not in the lake yet."""
    with LakeWriter(root, run_id="run") as writer:
        for batch in BATCHES:
            known = writer.ledger.uids("rua", "INBOX", 1)
            missing = set(known.missing([rows.message.uid or 0 for rows in batch]))
            new = [rows for rows in batch if rows.message.uid in missing]
            if new:
                writer.commit(new)


def late_verdict(root: Path) -> None:
    """Ingest, and then judge two messages again: r1 is verified after all, and so is the conflicting r2 of m6."""
    ingest(root)
    better = [message("m1", report("r1", tier="verified")), message("m6", report("r2", content="a", tier="verified"))]
    with LakeWriter(root, run_id="later") as writer:
        tiers = {row.uid: row.trust_tier for row in writer.ledger.rows(pc.field("uid").isin([1, 6]))}
        if set(tiers.values()) != {"verified"}:
            writer.replace(better)


def same_parser(messages: Sequence[tuple[MessageRow, bytes]]) -> list[MessageRows]:
    """Read messages as they were read when they came."""
    by_bytes = {rows.content: rows for batch in BATCHES for rows in batch}
    return [by_bytes[content] for _, content in messages]


def better_parser(messages: Sequence[tuple[MessageRow, bytes]]) -> list[MessageRows]:
    """Read messages as a later version would: every digest is another, and m4 is a report after all."""
    return [_better(rows, row) for (row, _), rows in zip(messages, same_parser(messages), strict=True)]


def _better(rows: MessageRows, row: MessageRow) -> MessageRows:
    reports = rows.reports or ((report("r6"),) if row.uid == 4 else ())
    new = tuple(_renewed(each, row) for each in reports)
    outcome = "stored" if new else rows.message.outcome
    code = None if new else rows.message.reject_code
    keys = tuple(each.report.report_key for each in new)
    message = rows.message._replace(outcome=outcome, reject_code=code, report_keys=keys, parser_version="0.0.better")
    return rows._replace(message=message, reports=new)


def _renewed(each: ReportRows, row: MessageRow) -> ReportRows:
    tier = row.trust_tier if len(row.report_keys) == 1 else each.report.trust_tier
    digest = sha(f"better {each.report.content_sha256}")
    key = sha(f"{each.report.identity} {tier} {digest}")
    return ReportRows(
        each.report._replace(report_key=key, content_sha256=digest, trust_tier=tier, parser_version="0.0.better"),
        tuple(policy._replace(report_key=key, trust_tier=tier) for policy in each.policies),
        tuple(failure._replace(report_key=key, trust_tier=tier) for failure in each.failures),
    )


def rebuild_all(root: Path) -> None:
    """Read a lake again with the better parser, unless that is done."""
    with open_for_writing(root) as lake:
        if lake.floor == 0:
            rebuild(lake, better_parser)


def keep_less(root: Path) -> None:
    """Apply retention: bytes of April stay, reports of April stay."""
    with open_for_writing(root) as lake:
        maintain(lake, today=date(2026, 5, 15), raw_days=42, report_months=1)


def erase(root: Path) -> None:
    """Erase the domain of all these reports."""
    with open_for_writing(root) as lake:
        erase_domain(lake, "example.org")


SCENARIOS: dict[str, Callable[[Path], None]] = {
    scenario.__name__: scenario for scenario in (ingest, late_verdict, rebuild_all, keep_less, erase)
}
