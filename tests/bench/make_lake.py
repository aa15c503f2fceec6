"""A large synthetic lake, written as fast as Parquet can be: `python -m tests.bench.make_lake FOLDER --policies 10000000 --months 24`.

Numbers only look real: domains and reporters follow a Zipf law, Microsoft reports domains with DANE twice, failures belong to incidents
that last days or weeks, beside a stray now and then, in every fourth month some reports are superseded. The same arguments make the same
lake. One batch per month, its files sorted by report_domain and of the size that `tlsrpt maintain` leaves in closed months; no raw bytes.

Most bytes of such a lake are sha256 values, which do not compress. `--lean` leaves out the ledger and all of them but report_key, so that
100 million policy rows fit in eight gigabytes; what the pages ask about reports is answered as before.
"""

from __future__ import annotations

import argparse
import sys
import time
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.config import Settings
from pipeline.lake.delta.data_files import by_month, describe, encode
from pipeline.lake.delta.delta_tables import BATCH, add_version, create_tables
from pipeline.lake.open_lake import open_for_writing
from pipeline.lake.storage.locate import locate
from pipeline.query import open_lake
from pipeline.report.result_types import RESULT_TYPES
from pipeline.tables.schema import APPEND_ORDER, TABLES, arrow_schema
from tests.bench.process import tlsrpt

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from pipeline.lake.delta.delta_tables import AddedFile

LAST_DAY = datetime(2026, 10, 31, tzinfo=UTC)
"""The last day of the lake; benchmarks ask as of two days later."""

BIG = ["google.com", "microsoft.com", "mail.ru", "yahooinc.com", "comcast.net", "gmx.net", "web.de", "fastmail.com"]
HEX = np.array([list(f"{byte:02x}".encode()) for byte in range(256)], dtype=np.uint8)
SUPERSEDED_PER_MONTH = 50
ROWS_A_FILE = 2_000_000
"""About what fits in the 96 MB to which maintenance writes the sorted files of a large month."""

DOMAINS = 2000
"""How many there are, unless more are asked for."""
PLANNED_DAYS = 760
INCIDENTS = 5
"""Of each domain in those days."""
STRAYS = 0.004
"""Share of reports with one stray failure."""
STRAY_WAYS = np.array(
    [list(RESULT_TYPES).index(name) for name in ("starttls-not-supported", "validation-failure", "sts-policy-fetch-error")]
)


@cache
def plan(domains: int) -> dict[str, np.ndarray]:
    """When, how and where the incidents of every domain are, and how many sessions fail; the same for every month."""
    rng = np.random.default_rng(4711)
    shape = (domains, INCIDENTS)
    return {
        "start": rng.integers(0, PLANNED_DAYS, shape),
        "length": 3 + rng.geometric(0.1, shape),
        "way": rng.integers(0, len(RESULT_TYPES), shape),
        "host": rng.integers(0, 3, shape),
        "share": rng.uniform(0.2, 1.0, shape),
        "alone": np.where(rng.random(shape) < 0.2, rng.integers(0, 5, shape), -1),
    }


def hex_names(rng: np.random.Generator, count: int) -> pa.Array:
    """Random sha256 digests as text."""
    text = HEX[rng.integers(0, 256, (count, 32), dtype=np.uint8)].reshape(-1)
    offsets = np.arange(0, 64 * count + 1, 64, dtype=np.int32)
    return pa.StringArray.from_buffers(count, pa.py_buffer(offsets), pa.py_buffer(text))


def pick(values: list[Any], index: np.ndarray, kind: pa.DataType | None = None) -> pa.Array:
    """The values at these places."""
    return pa.array(values, kind or pa.string()).take(pa.array(index))


def zipf(rng: np.random.Generator, exponent: float, among: int, count: int) -> np.ndarray:
    """Numbers below `among`, the small ones most often."""
    weights = 1.0 / np.arange(1, among + 1) ** exponent
    return np.searchsorted(np.cumsum(weights / weights.sum()), rng.random(count)).clip(0, among - 1)


class Month:
    """The rows of one month."""

    def __init__(
        self, rng: np.random.Generator, first: datetime, days: int, policies: int, domains: int, *, lean: bool, raw: bool = False
    ) -> None:
        self.rng, self.batch, self.month = rng, 0, f"{first:%Y-%m}"
        self.lean, self.raw = lean, raw
        count = int(policies / 1.073)  # Microsoft's domains with DANE have a second row
        self.reports = count
        self.domain = np.sort(zipf(rng, 1.1, domains, count))
        self.reporter = zipf(rng, 1.3, 200, count)
        self.day = rng.integers(0, days, count)
        self.arrival = np.argsort(self.day, kind="stable")
        self.first = first
        self.key = hex_names(rng, count)
        self.identity = pa.repeat("0" * 64, count) if lean else hex_names(rng, count)
        self.message = self.identity if lean else hex_names(rng, count)
        self.domain_names = [f"domain{number:05d}.example" for number in range(domains)]
        self.reporter_names = BIG + [f"mx{number:03d}.reporter.example" for number in range(200 - len(BIG))]

    def constant(self, value: object, count: int, kind: pa.DataType) -> pa.Array:
        """One value, `count` times."""
        return pa.nulls(count, kind) if value is None else pa.repeat(pa.scalar(value, kind), count)

    def table(self, name: str, count: int, **columns: Any) -> pa.Table:
        """Rows of a table; columns that are not given are empty."""
        arrays = []
        for field in arrow_schema(name):
            value = columns.get(field.name)
            if field.name == "batch":
                value = self.batch
            if isinstance(value, pa.Array | pa.ChunkedArray):
                array = value.cast(field.type) if value.type != field.type else value
            elif isinstance(value, np.ndarray):
                array = pa.array(value).cast(field.type)
            elif pa.types.is_list(field.type) and value is None:
                array = pa.ListArray.from_arrays(pa.array(np.zeros(count + 1, np.int32)), pa.array([], pa.string()))
            else:
                array = self.constant(value, count, field.type)
            arrays.append(array)
        return pa.Table.from_arrays(arrays, schema=arrow_schema(name))

    def days_of(self, rows: np.ndarray) -> pa.Array:
        """The UTC days of reports."""
        return pa.array((np.datetime64(self.first.date()) + self.day[rows]).astype("datetime64[D]"))

    def times_of(self, rows: np.ndarray, hours: float) -> pa.Array:
        """Moments so many hours after the beginning of the day of a report."""
        start = np.datetime64(self.first.replace(tzinfo=None), "us") + self.day[rows].astype("timedelta64[D]")
        return pa.array(start + np.timedelta64(int(hours * 3600), "s")).cast(pa.timestamp("us")).cast(pa.timestamp("us", tz="UTC"))

    def lists(self, values: pa.Array) -> pa.Array:
        """Every value as a list of its own."""
        return pa.ListArray.from_arrays(pa.array(np.arange(len(values) + 1, dtype=np.int32)), values)

    def rows(self) -> dict[str, pa.Table]:
        """All tables."""
        policies, failures = self.policies_and_failures()
        identity_rows = self.rng.choice(self.reports, min(SUPERSEDED_PER_MONTH, self.reports), replace=False)
        superseded = self.table(
            "superseded",
            len(identity_rows),
            report_month=self.month,
            report_key=self.key.take(pa.array(identity_rows)),
            identity=(self.key if self.lean else self.identity).take(pa.array(identity_rows)),
            superseded_by="0" * 64,
            reason="conflict",
        )
        tables = {
            "reports": self.report_rows(np.arange(self.reports)),
            "policies": policies,
            "failures": failures,
            "messages": self.message_rows(self.arrival[:1] if self.lean else self.arrival),
        }
        if self.raw:
            tables["raw"] = self.raw_rows(self.arrival)
        return {**tables, "superseded": superseded} if int(self.month[-2:]) % 4 == 0 else tables

    def report_rows(self, rows: np.ndarray) -> pa.Table:
        """One report per domain, day and reporter drawn."""
        domain = pick(self.domain_names, self.domain)
        return self.table(
            "reports",
            len(rows),
            report_month=self.month,
            report_key=self.key,
            identity=self.identity,
            content_sha256=self.identity,
            message_sha256=self.message,
            report_day=self.days_of(rows),
            report_domains=self.lists(domain),
            submitter_domain=pick(self.reporter_names, self.reporter),
            submitter_source="dkim",
            trust_tier="verified",
            organization_name=pick(self.reporter_names, self.reporter),
            contact_info="tls-reports@reporter.example",
            report_id=domain if self.lean else pc.binary_join_element_wise(self.key, domain, "_"),
            window_start=self.times_of(rows, 0),
            window_end=self.times_of(rows, 24),
            window_start_raw="2026-05-01T00:00:00Z",
            window_end_raw="2026-05-01T23:59:59Z",
            received_at=self.times_of(rows, 30),
            policy_count=1,
            failure_detail_count=0,
            unknown_member_count=0,
            ingested_at=self.times_of(rows, 31),
            parser_version="bench",
        )

    def message_rows(self, rows: np.ndarray) -> pa.Table:
        """One message per report, in the order in which they came."""
        places = pa.array(rows)
        return self.table(
            "messages",
            len(rows),
            received_month=self.month,
            message_sha256=self.message.take(places),
            account="file" if self.raw and int(self.month[-2:]) % 2 else "rua",
            folder="INBOX",
            uidvalidity=1,
            uid=np.arange(len(rows)) + 1 + (int(self.month[2:4]) * 12 + int(self.month[-2:])) * 10_000_000,
            received_at=self.times_of(rows, 30),
            size_bytes=self.rng.integers(1500, 9000, len(rows)),
            from_domain=pick(self.reporter_names, self.reporter[rows]),
            auth_method="dkim",
            dkim_result="pass",
            trust_tier="verified",
            outcome="stored",
            report_keys=self.lists(self.key.take(places)),
            run_id=f"run-{self.month}",
            ingested_at=self.times_of(rows, 31),
            parser_version="bench",
        )

    def raw_rows(self, rows: np.ndarray) -> pa.Table:
        """The bytes of each message, which are one byte here: what is asked of `raw` is which it has."""
        hashes = self.message.take(pa.array(rows))
        return self.table("raw", len(rows), received_month=self.month, message_sha256=hashes, size_bytes=1, content=b"-")

    def policies_and_failures(self) -> tuple[pa.Table, pa.Table]:
        """One sts or no-policy-found row per report, a tlsa row more for Microsoft's reports on two domains of three."""
        rng = self.rng
        doubled = np.flatnonzero((self.reporter == 1) & (self.domain % 3 != 0))
        report = np.concatenate([np.arange(self.reports), doubled])
        kind = np.concatenate([(self.domain % 10 == 0) * 2, np.ones(len(doubled), np.int64)])
        order = np.argsort(report, kind="stable")
        report, kind = report[order], kind[order]
        count = len(report)
        sessions = rng.geometric(0.03, self.reports)
        good = sessions[report]
        failed = self.failed(sessions)
        failing = (failed[report] > 0) & (kind != 2)
        bad = np.where(failing, failed[report], 0)
        version = (self.domain[report] + self.day[report] // 20) % 7
        hashes = [f"{number:064x}" for number in range(70_000)]
        strings = [["version: STSv1", "mode: enforce", "mx: *.example", "max_age: 604800"], ["3 1 1 " + "ab" * 32], []]
        domain = pick(self.domain_names, self.domain[report])
        shared = {
            "report_month": self.month,
            "report_key": self.key.take(pa.array(report)),
            "policy_ix": (kind == 1).astype(np.int16),
            "report_day": self.days_of(report),
            "report_domain": domain,
            "submitter_domain": pick(self.reporter_names, self.reporter[report]),
            "trust_tier": "verified",
            "policy_type": pick(["sts", "tlsa", "no-policy-found"], kind),
            "policy_domain": domain,
            "policy_hash": pick(hashes, (self.domain[report] * 7 + version) % 70_000),
        }
        policies = self.table(
            "policies",
            count,
            **shared,
            report_domain_source="policy",
            policy_domain_derived=False,
            policy_strings=pick(strings, kind, pa.list_(pa.string())),
            sts_version="STSv1",
            sts_mode=pick(["enforce", "testing"], self.domain[report] % 2),
            sts_max_age_seconds=604800,
            success_count=good,
            failure_count=bad,
            failure_detail_sum=bad,
            count_mismatch=False,
            repeats_sessions=kind == 1,
            **self.told_twice(report, kind, good, bad),
        )
        rows = np.flatnonzero(failing)
        return policies, self.failure_rows(policies, rows, bad, report[rows])

    def told_twice(self, report: np.ndarray, kind: np.ndarray, good: np.ndarray, bad: np.ndarray) -> dict[str, pa.Array]:
        """What reports with two policies come to: it stands on the first, zeros on the second (`pipeline.report.session_overlap`)."""
        two = np.bincount(report)[report] == 2
        first = two & (kind != 1)
        failed = np.where(first, np.maximum(bad, np.roll(bad, -1)), 0)
        sums = {"once_authenticated": np.where(first, good + bad - failed, 0), "once_failed": failed, "once_unprotected": failed * 0}
        return {name: pa.array(values, mask=~two) for name, values in sums.items()} | {"totals_equal": pa.array(first, mask=~first)}

    def failed(self, sessions: np.ndarray) -> np.ndarray:
        """How many sessions of each report failed: a share in those that meet an incident, one in some of the others."""
        self.met = self._met()
        share = np.append(plan(len(self.domain_names))["share"].ravel(), 0.0)[self.met]
        stray = (self.met < 0) & (self.rng.random(len(sessions)) < STRAYS)
        return np.where(self.met >= 0, np.maximum(1, (sessions * share).astype(np.int64)), stray.astype(np.int64))

    def ways(self, reports: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """How (a place in `RESULT_TYPES`) and on which host each of these reports failed: one way per incident, strays in any."""
        met = self.met[reports]
        way = np.append(plan(len(self.domain_names))["way"].ravel(), 0)[met]
        host = np.append(plan(len(self.domain_names))["host"].ravel(), 0)[met]
        anywhere = self.rng.integers(0, 3, len(reports))
        return np.where(met >= 0, way, STRAY_WAYS[anywhere]), np.where(met >= 0, host, anywhere)

    def _met(self) -> np.ndarray:
        """The number of the incident each report meets; -1 for none."""
        planned = plan(len(self.domain_names))
        day = (self.first.toordinal() + self.day) - (LAST_DAY.toordinal() - PLANNED_DAYS)
        met = np.full(self.reports, -1, dtype=np.int64)
        for number in range(INCIDENTS):
            start, length, alone = (planned[name][self.domain, number] for name in ("start", "length", "alone"))
            meets = (day >= start) & (day < start + length) & ((alone < 0) | (alone == self.reporter))
            met = np.where(meets, self.domain * INCIDENTS + number, met)
        return met

    def failure_rows(self, policies: pa.Table, failing: np.ndarray, bad: np.ndarray, reports: np.ndarray) -> pa.Table:
        """One to three details for each failing policy."""
        rng = self.rng
        details = rng.integers(1, 4, len(failing))
        at = np.repeat(failing, details)
        count = len(at)
        names = list(RESULT_TYPES)
        kind, host = self.ways(np.repeat(reports, details))
        of_policy = {
            name: policies.column(name).take(pa.array(at))
            for name in (
                "report_key",
                "policy_ix",
                "report_day",
                "report_domain",
                "submitter_domain",
                "policy_type",
                "policy_domain",
                "policy_hash",
            )
        }
        hosts = [f"mx{number}.example" for number in range(3)]
        networks = [f"198.51.{number // 250}.{number % 250}" for number in range(2000)]
        return self.table(
            "failures",
            count,
            **of_policy,
            report_month=self.month,
            trust_tier="verified",
            failure_ix=np.arange(count) - np.repeat(np.cumsum(details) - details, details),
            result_type=pick(names, kind),
            result_group=pick([RESULT_TYPES[name].group for name in names], kind),
            sending_mta_ip=pick(networks, zipf(rng, 1.1, len(networks), count)),
            receiving_ip=pick([f"192.0.2.{number}" for number in range(3)], host),
            receiving_mx_hostname=pick(hosts, host),
            failed_session_count=np.maximum(1, bad[at] // np.repeat(details, details)),
        )


def make(where: Path, *, policies: int, months: int, domains: int = DOMAINS, seed: int = 1, lean: bool = False, raw: bool = False) -> Path:
    """Write the lake, unless it is there already.

    Args:
        where: Its folder; new.
        policies: Policy rows in all, about.
        months: Months up to `LAST_DAY`, each with the same number of rows.
        domains: Report domains.
        seed: Another seed, another lake.
        lean: Whether to leave out the ledger and most hashes.
        raw: Whether the bytes of every message are kept, and every other month was imported from files.
    """
    if (where / "messages").exists():
        return where
    location = locate(where)
    location.create()
    tables = create_tables(location)
    first = LAST_DAY.replace(day=1)
    starts = [first]
    while len(starts) < months:
        first = (first - timedelta(days=1)).replace(day=1)
        starts.append(first)
    for batch, start in enumerate(reversed(starts), start=1):
        days = ((start + timedelta(days=32)).replace(day=1) - start).days
        month = Month(np.random.default_rng([seed, batch]), start, days, policies // months, domains, lean=lean, raw=raw)
        month.batch = batch
        made = month.rows()
        for name in APPEND_ORDER:
            parts = list(_written(where, name, month.month, made.pop(name), batch)) if name in made else []
            add_version(name, tables[name], adds=parts, transactions={BATCH: batch})
    return where


def cached(*, policies: int, months: int = 24, domains: int = DOMAINS, lean: bool = False, raw: bool = False) -> Path:
    """A lake of this size below `tests/bench/results/`, made when it is first asked for."""
    of = "" if domains == DOMAINS else f"-{domains}"
    name = f"lake4-{policies}-{months}{of}{'-lean' if lean else ''}{'-raw' if raw else ''}"
    return make(Path(__file__).parent / "results" / name, policies=policies, months=months, domains=domains, lean=lean, raw=raw)


def maintained(where: Path) -> Path:
    """The same lake once `tlsrpt maintain` has been over it, as it is every night: closed months have their sums."""
    tlsrpt(where, "maintain")
    return where


def kept_of(where: Path, day: date) -> Path:
    """The same lake with the answers that `tlsrpt maintain` keeps on a day."""
    with open_for_writing(where) as opened, open_lake(opened.location.uri, settings=Settings()) as reader:
        reader.keep_answers(day)
    return where


def _written(where: Path, name: str, month: str, rows: pa.Table, batch: int) -> Iterator[AddedFile]:
    (rows,) = by_month(name, rows).values()
    for start in range(0, rows.num_rows, ROWS_A_FILE):
        some = rows.slice(start, ROWS_A_FILE)
        content = encode(name, some)
        part = describe(name, some, month=month, size_bytes=content.size, prefix=f"b{batch}")
        path = where / name / part.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        yield part


def main() -> int:
    """Make a lake and say how large it is."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.make_lake", description="Make a large synthetic lake.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--policies", type=int, default=10_000_000, help="policy rows (default: 10,000,000); failures are a tenth")
    parser.add_argument("--months", type=int, default=24)
    parser.add_argument("--domains", type=int, default=DOMAINS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--lean", action="store_true", help="without the ledger and most hashes")
    parser.add_argument("--raw", action="store_true", help="with a row in raw for every message, half of them imported from files")
    args = parser.parse_args()
    if (args.folder / "messages").exists():
        parser.error(f"{args.folder} is there already")
    begun = time.perf_counter()
    make(args.folder, policies=args.policies, months=args.months, domains=args.domains, seed=args.seed, lean=args.lean, raw=args.raw)
    for name in TABLES:
        files = list((args.folder / name).rglob("*.parquet"))
        rows = sum(pq.read_metadata(file).num_rows for file in files)
        print(f"{name:<10} {rows:>12,} rows  {sum(file.stat().st_size for file in files) / 2**20:>8.1f} MiB  {len(files):>3} files")
    print(f"{time.perf_counter() - begun:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
