"""CPU seconds per 1,000 report mails of some three kilobytes: DKIM off and on, here and in worker processes, beside dkimpy alone.

Aim: 1,000 mails a second with two workers and DKIM checked, where two cores are free. Keys come from a DNS server on loopback and are
cached; every mail is another report. `cpu` is that of this process and its workers together, `parent` that of this process.
"""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable
from datetime import UTC, datetime

import dkim

from pipeline.demo.dns_server import serve_keys
from pipeline.message.fetched import Fetched
from pipeline.report.limits import DEFAULT_LIMITS
from pipeline.report.rows import Ownership, RunStamp
from pipeline.settings.single_tables import TrustSettings
from pipeline.workers.pool import Pool
from pipeline.workers.reading_task import Job
from tests.trust.signing import fetched, key_record, report_json, report_mail, rsa_key, sign

CHUNK = 200
HEADERS = "".join(
    f"Received: from mail{hop}.reporter.example (mail{hop}.reporter.example [192.0.2.{hop}])\r\n"
    f"\tby mx{hop}.rcpt.example (Postfix) with ESMTPS id 4568620E00A{hop}\r\n\tfor <tls@rcpt.example>; Wed, 13 May 2026 15:43:02 +0000\r\n"
    for hop in range(4)
)


def main(*, full: bool) -> list[dict]:
    """Measure each way once; the workers start within the measured time."""
    count = 20_000 if full else 4_000
    mails = _mails(count)
    zone = {"s1._domainkey.reporter.example": key_record(rsa_key("s1"))}
    with serve_keys(zone) as keys:
        ways = [("off", 0), ("verify", 0), ("off", 1), ("verify", 1), ("off", 2), ("verify", 2)]
        rows = [_row(f"DKIM {how}, {_where(workers)}", mails, _reader(how, workers, keys.address)) for how, workers in ways]
    record = zone["s1._domainkey.reporter.example"].encode()
    rows.append(_row("dkimpy's verify, nothing else", mails, lambda mails: _dkimpy(mails, record)))
    rows.append({"way": f"message of {len(mails[0].content or b''):,} bytes, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"})
    return rows


def _where(workers: int) -> str:
    return f"{workers} worker{'s' if workers > 1 else ''}" if workers else "in this process"


def _mails(count: int) -> list[Fetched]:
    key = rsa_key("s1")
    return [fetched(sign(HEADERS.encode() + report_mail(report_json(report_id=f"r{number}")), key)) for number in range(count)]


def _reader(how: str, workers: int, resolver: str) -> Callable[[list[Fetched]], None]:
    stamp = RunStamp(f"{how}-{workers}", datetime.now(UTC), "0")
    job = Job(DEFAULT_LIMITS, Ownership(), TrustSettings(dkim=how, resolver=resolver), stamp)
    tier = "verified" if how == "verify" else "vouched"

    def read(mails: list[Fetched]) -> None:
        chunks = [mails[start : start + CHUNK] for start in range(0, len(mails), CHUNK)]
        with Pool(job, workers=workers) as pool:
            for _, columns in pool.read(iter(chunks)):
                assert set(columns.messages.column("trust_tier").to_pylist()) == {tier}

    return read


def _dkimpy(mails: list[Fetched], record: bytes) -> None:
    for mail in mails:
        assert dkim.verify(mail.content, dnsfunc=lambda _name, timeout=5: record, tlsrpt=True)


def _cpu() -> tuple[float, float]:
    here, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return here.ru_utime + here.ru_stime, children.ru_utime + children.ru_stime


def _row(way: str, mails: list[Fetched], read: Callable[[list[Fetched]], None]) -> dict:
    here, children = _cpu()
    began = time.perf_counter()
    read(mails)
    wall = time.perf_counter() - began
    parent, workers = (after - before for after, before in zip(_cpu(), (here, children), strict=True))
    per = 1000 / len(mails)
    return {
        "way": way,
        "cpu_per_1000": (parent + workers) * per,
        "parent_per_1000": parent * per,
        "mails_per_second": round(len(mails) / wall),
    }
