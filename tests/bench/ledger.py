"""What every run of `tlsrpt ingest` asks of the ledger before it fetches anything, on a large lake: milliseconds and peak memory.

Aim: on a ledger of ten million messages in one mailbox a run with nothing new asks for less than two seconds of CPU in all.
"""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path

from pipeline.lake.dedup.dedup_index import Files
from pipeline.lake.dedup.ledger import Ledger
from pipeline.lake.delta.delta_tables import open_table
from pipeline.lake.storage.locate import locate
from tests.bench.figures import Figure
from tests.bench.make_lake import LAST_DAY, cached


def main(*, full: bool) -> list[dict]:
    """Ask a ledger of a million messages, or of ten million."""
    location = locate(cached(policies=10_000_000 if full else 1_000_000))
    ledger = Ledger(Files(location, "messages", open_table(location, "messages")), floor=0)
    questions = {
        "UIDs of the folder": lambda: len(ledger.uids("rua", "INBOX", 1)),
        "UIDVALIDITY values of the folder": lambda: len(ledger.uidvalidities("rua", "INBOX")),
        "waiting for DNS, a week": lambda: len(ledger.waiting_for_dns(LAST_DAY - timedelta(days=7))),
        "not vouched for, a day": lambda: len(ledger.unvouched_since(LAST_DAY)),
        "settled, three days": lambda: len(ledger.settled_uids("rua", "INBOX", 1, LAST_DAY - timedelta(days=3))),
        "when last ingested": lambda: ledger.last_ingest() is not None,
    }
    rows = []
    for question, ask in questions.items():
        cpu, wall = time.process_time(), time.perf_counter()
        answer = ask()
        rows.append(
            {
                "question": question,
                "cpu_ms": (time.process_time() - cpu) * 1000,
                "ms": (time.perf_counter() - wall) * 1000,
                "peak_mib": _peak_kib() / 1024,
                "answer": int(answer),
            }
        )
    return rows


def _peak_kib() -> int:
    with Path("/proc/self/status").open(encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))


def figures(rows: list[dict]) -> list[Figure]:
    """What the table of all benchmarks says of this."""
    return [
        Figure(
            "asked of the ledger by a run with nothing new",
            "CPU ms",
            sum(row["cpu_ms"] for row in rows),
            aim="2,000 ms at 10 million messages",
        )
    ]
