"""What a large ledger costs: what every run asks of it before it fetches anything, and 1,000 new mails beside the same into an empty lake.

Aims: on a ledger of ten million messages a run with nothing new asks for less than two seconds of CPU in all, and 1,000 new mails cost
less than a second of CPU and 200 MB more than into an empty lake, by `ingest` and by `backfill`. The first run after files were merged
makes their hash files; the figures are of the run after it, and the first is shown beside it. Every message has its bytes in `raw`, and
half of them came from files.
"""

from __future__ import annotations

import os
import time
from datetime import timedelta
from pathlib import Path
from shutil import copytree
from tempfile import TemporaryDirectory

from pipeline.lake.dedup.ledger import Ledger
from pipeline.lake.delta.data_file_list import Files
from pipeline.lake.delta.delta_tables import open_table
from pipeline.lake.storage.locate import locate
from tests.bench.figures import Figure
from tests.bench.mails import world_mails
from tests.bench.make_lake import LAST_DAY, cached
from tests.bench.memory import peak_mib
from tests.bench.process import tlsrpt

MAILS = 1_000


def main(*, full: bool) -> list[dict]:
    """Ask a ledger of a million messages, or of ten million, and bring it mails."""
    where = cached(policies=10_000_000 if full else 1_000_000, raw=True)
    return [*_questions(where), *_brought(where)]


def _brought(where: Path):
    """Bring 1,000 mails, and 1,000 others, to copies of the lake and to an empty one. Data files never change: links are copies."""
    mails, _ = world_mails(2 * MAILS)
    with TemporaryDirectory(dir=where.parent) as made:
        folder = Path(made)
        for number, mail in enumerate(mails):
            path = folder / ("first", "next")[number >= MAILS] / f"{number}.eml"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(mail.content)
        for command in ("ingest", "backfill"):
            large, empty = folder / f"large-{command}", folder / f"empty-{command}"
            copytree(where, large, copy_function=os.link)
            for name in ("first", "next"):
                runs = {lake: tlsrpt(lake, command, folder / name, TLSRPT_TRUST__DKIM="off") for lake in (empty, large)}
                yield {
                    "question": f"1,000 new mails by {command}, {name}",
                    "cpu_ms": (runs[large].cpu_seconds - runs[empty].cpu_seconds) * 1000,
                    "ms": (runs[large].wall_seconds - runs[empty].wall_seconds) * 1000,
                    "peak_mib": runs[large].peak_mib - runs[empty].peak_mib,
                    "answer": MAILS,
                    "cpu_ms_of_empty": runs[empty].cpu_seconds * 1000,
                    "peak_mib_of_empty": runs[empty].peak_mib,
                }


def _questions(where: Path) -> list[dict]:
    location = locate(where)
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
                "peak_mib": peak_mib(),
                "answer": int(answer),
            }
        )
    return rows


def figures(rows: list[dict]) -> list[Figure]:
    """What the table of all benchmarks says of this."""
    return [
        Figure(
            "asked of the ledger by a run with nothing new",
            "CPU ms",
            sum(row["cpu_ms"] for row in rows if "cpu_ms_of_empty" not in row),
            aim="2,000 ms at 10 million messages",
            mib=max(row["peak_mib"] for row in rows if "cpu_ms_of_empty" not in row),
        ),
        *(
            Figure(
                f"{row['question']}: more than into an empty lake",
                unit,
                row[unit_of],
                aim=aim,
                mib=row["peak_mib"] + row["peak_mib_of_empty"],
                their_mib=row["peak_mib_of_empty"],
            )
            for row in rows
            if "cpu_ms_of_empty" in row
            for unit, unit_of, aim in (("CPU ms", "cpu_ms", "1,000 ms"), ("MiB", "peak_mib", "200 MB"))
        ),
    ]
