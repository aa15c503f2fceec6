"""From `.eml` files to rows, and to rows that are stored: beside the standard library's parser, and beside parsedmarc on the same mails.

Reading alone is timed within one process each, without its start: MIME, gzip, JSON, and the rows or dictionaries that come of it.
Stored is the whole command from the shell and back, on a folder: `tlsrpt ingest FOLDER` into a lake, `parsedmarc FOLDER` into JSON and
CSV. It checks no signature, so ours are not checked either, but for one line. `reports` is how many each of them read in the mails.
"""

from __future__ import annotations

import email
import tempfile
import time
from email.policy import compat32
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.demo.dns_server import serve_keys
from tests.bench import peer
from tests.bench.figures import Figure, Pair
from tests.bench.mails import rows_of, world_mails
from tests.bench.memory import with_peak
from tests.bench.process import Run, tlsrpt

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 3
FLOOR = "the standard library's parser, nothing else"


def main(*, full: bool) -> list[dict]:
    """Measure on 2,000 mails, or on 10,000."""
    mails, zone = world_mails(10_000 if full else 2_000)
    contents = [mail.content for mail in mails]
    with tempfile.TemporaryDirectory(prefix="tlsrpt-") as root, serve_keys(zone) as dns:
        folder = Path(root, "mails")
        folder.mkdir()
        for number, content in enumerate(contents):
            (folder / f"{number:06}.eml").write_bytes(content)
        alone = {
            FLOOR: lambda: [email.message_from_bytes(content, policy=compat32) for content in contents],
            "read into rows": lambda: [rows_of(mail) for mail in mails],
        }
        rows = []
        for way, work in alone.items():
            seconds, peak = least(work)
            rows.append(row(way, contents, cpu=seconds, peak=peak))
        ways = {
            "tlsrpt, as it is": {"workers": "", "TLSRPT_TRUST__DKIM": "off"},
            "tlsrpt, one process": {"workers": "0", "TLSRPT_TRUST__DKIM": "off"},
            "tlsrpt, one worker": {"workers": "1", "TLSRPT_TRUST__DKIM": "off"},
            "tlsrpt, two workers, signatures verified": {"workers": "2", "TLSRPT_TRUST__RESOLVER": dns.address},
        }
        rows += [_stored(name, contents, folder, **way) for name, way in ways.items()]
        return rows + _of_peer(contents, folder)


def least(work: Callable[[], object]) -> tuple[float, float]:
    """CPU seconds of this process, the best of some rounds, and the most MiB it had."""
    seconds, peaks = [], []
    for _ in range(ROUNDS):
        began = time.process_time()
        peaks.append(with_peak(work)[1])
        seconds.append(time.process_time() - began)
    return min(seconds), max(peaks)


def row(way: str, contents: list[bytes], *, cpu: float, peak: float | None, run: Run | None = None, reports: int | None = None) -> dict:
    """One line of the table."""
    return {
        "way": way,
        "mails": len(contents),
        "cpu_ms_per_mail": cpu / len(contents) * 1000,
        "seconds": run.wall_seconds if run else None,
        "peak_mib": peak,
        "reports": reports,
    }


def _stored(name: str, contents: list[bytes], folder: Path, *, workers: str, **environment: str) -> dict:
    runs = []
    for _ in range(ROUNDS):
        lake = Path(tempfile.mkdtemp(dir=folder.parent))
        done = tlsrpt(lake, "ingest", folder, *(["--workers", workers] if workers else []), **environment)
        runs.append((done, int(tlsrpt(lake, "sql", "select count(*) from reports", "--format", "csv").output.split()[-1])))
    assert min(reports for _, reports in runs) >= 0.99 * len(contents), (name, [reports for _, reports in runs])
    best, reports = min(runs, key=lambda each: each[0].cpu_seconds)
    return row(f"stored: {name}", contents, cpu=best.cpu_seconds, peak=best.peak_mib, run=best, reports=reports)


def _of_peer(contents: list[bytes], folder: Path) -> list[dict]:
    try:
        program = peer.installed()
    except peer.PeerMissingError as err:
        return [{"way": str(err)}]
    seconds, reports, peak = program.parse_alone(folder, ROUNDS)
    rows = [row("read: parsedmarc", contents, cpu=seconds, peak=peak, reports=reports)]
    for name, processes in (("parsedmarc, as it is (one process)", 1), ("parsedmarc, two processes", 2)):
        runs = [program.read_folder(folder, Path(tempfile.mkdtemp(dir=folder.parent)), processes=processes) for _ in range(ROUNDS - 1)]
        done, reports = min(runs, key=lambda each: each[0].cpu_seconds)
        rows.append(row(f"stored: {name}", contents, cpu=done.cpu_seconds, peak=done.peak_mib, run=done, reports=reports))
    return rows


def figures(rows: list[dict]) -> list[Figure]:
    """What the table of all benchmarks says of this."""
    at = {row["way"]: row for row in rows}
    read = Pair(at["read into rows"], at[FLOOR], "cpu_ms_per_mail", "CPU ms/mail")
    # Processor time of two processes at once says little where the processors are two threads of one core.
    stored = read._replace(ours=at["stored: tlsrpt, one process"], theirs=at.get("stored: parsedmarc, as it is (one process)", {}))
    usual = stored._replace(ours=at["stored: tlsrpt, as it is"], column="seconds", unit="s")
    ours = min((at[f"stored: tlsrpt, {each}"] for each in ("as it is", "one process", "one worker")), key=_seconds)
    theirs = min((at.get(f"stored: parsedmarc, {each}", {}) for each in ("as it is (one process)", "two processes")), key=_seconds)
    quick = Pair(ours, theirs, "seconds", "s")
    what = f"{read.ours['mails']:,} `.eml` files → stored rows, from the shell and back"
    return [
        read.figure("`.eml` → rows", "the standard library's MIME parser alone, which reads no report"),
        read._replace(theirs=at.get("read: parsedmarc", {})).figure("`.eml` → rows", "parsedmarc's parser"),
        stored.figure(f"{what}, CPU, one process each", "parsedmarc's command, JSON and CSV", aim="3 × of 2,000, 6 × of 10,000"),
        usual.figure(f"{what}, by the clock", "parsedmarc's command, JSON and CSV", aim="10 × of 10,000"),
        quick.figure(f"{what}, each in as many processes as is quickest", "parsedmarc's command, JSON and CSV"),
    ]


def _seconds(row: dict) -> float:
    return row.get("seconds") or float("inf")
