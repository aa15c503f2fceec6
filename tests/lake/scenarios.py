"""Work on a lake that a child process does and may be killed in: each can be run again and goes on from what is there."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from pipeline.lake.writer import LakeWriter
from tests.lake.build import message, report

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipeline.row_types import MessageRows

APRIL = date(2026, 4, 2)

# Conflicts, tiers in both orders, duplicates inside a batch and across batches, two months, what is no report, what cannot be read.
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
            known = writer.known_uids("rua", "INBOX", 1)
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


SCENARIOS: dict[str, Callable[[Path], None]] = {scenario.__name__: scenario for scenario in (ingest, late_verdict)}
