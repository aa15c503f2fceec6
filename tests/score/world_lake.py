"""A synthetic world as a lake that can be asked: real documents, the real reader, the real SQL; no mail, no Delta, no DKIM in between."""

from __future__ import annotations

import atexit
import json
import shutil
import tempfile
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pipeline.config import Settings
from pipeline.demo.simulated_reporters import BY_KEY
from pipeline.lake.delta.data_files import by_month, encode, to_arrow
from pipeline.message.fetched import Fetched, MessageRef
from pipeline.message.verdict import Verdict
from pipeline.query.catalogue import asked_period, load_questions
from pipeline.query.engine import Engine
from pipeline.query.scope import Scope
from pipeline.query.submitter_habits import learn
from pipeline.report.read import read_file, read_mail
from pipeline.report.rows import Ownership, RunStamp, build_rows
from pipeline.tables.schema import TABLES
from pipeline.workers.reading_task import NO_ENVELOPE

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pyarrow as pa

    from pipeline.demo.world import World, WorldReport
    from pipeline.tables.row_types import CheckRow, ReportRows

_RUN = RunStamp("score", datetime(2026, 1, 1, tzinfo=UTC), "score")


def rows_of(report: WorldReport, own: Ownership, mail: bytes | None = None) -> tuple[ReportRows, ...]:
    """Read one document, or the mail it came in, as if a DKIM signature was aligned and covered TLS-Report-Domain."""
    content = json.dumps(report.document).encode() if mail is None else mail
    at = report.sent_at
    reading = read_file(content, name=None, received_at=at) if mail is None else read_mail(content, received_at=at)
    assert reading.rejected is None, reading.rejected
    reading = reading._replace(envelope=NO_ENVELOPE._replace(tls_report_domain=report.domain, declared=True))
    domain = BY_KEY[report.reporter].signing_domain if report.reporter in BY_KEY else report.reporter
    verdict = Verdict(
        "verified", "dkim", "pass", domain, "s", "rsa-sha256", 2048, "", ("from", "tls-report-domain", "subject"), None, domain
    )
    fetched = Fetched(MessageRef("score", "INBOX", 1, 1), content, report.sent_at, len(content), bare=mail is None)
    rows = build_rows(fetched=fetched, reading=reading, verdicts=[verdict], own=own, run=_RUN)
    assert rows.reports, rows.message
    return rows.reports


@cache
def _root() -> Path:
    """The folder of all lakes of a process; it goes when the process does."""
    root = Path(tempfile.mkdtemp(prefix="tlsrpt-score-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    return root


@cache
def _engine(*, hosts: bool) -> Engine:
    """One engine for all lakes of a process, with the views for MX hosts that have reports of their own, or without."""
    engine = Engine(str(_root()), Settings(), hosts=hosts)
    atexit.register(engine.close)
    return engine


class ReportLake:
    """Report rows in Parquet files of a temporary folder, behind the engine of `pipeline.query`; the default settings count."""

    def __init__(self, reports: Iterable[ReportRows], checks: Iterable[CheckRow] = ()) -> None:
        self.folder = Path(tempfile.mkdtemp(dir=_root()))
        kept = list(reports)
        tables = {
            "reports": [report.report for report in kept],
            "policies": [row for report in kept for row in report.policies],
            "failures": [row for report in kept for row in report.failures],
            "checks": list(checks),
        }
        self.files: dict[str, list[str]] = {}
        for name, rows in tables.items():
            for month, part in by_month(name, to_arrow(name, rows, 1)).items() if rows else ():
                path = self.folder / name / f"{TABLES[name].partition}={month}" / "part.parquet"
                path.parent.mkdir(parents=True)
                path.write_bytes(encode(name, part))
                self.files.setdefault(name, []).append(str(path))
        self.look_again()

    def look_again(self) -> None:
        """See the files that are there now."""
        everything = Scope(self.files, floor=0, batch=1)
        self.scope = everything._replace(habits=learn(lambda sql, parameters: _engine(hosts=False).run(sql, parameters, everything)))
        self.engine = _engine(hosts=bool(self.scope.habits.hosts))

    def ask(self, name: str, **given: Any) -> pa.Table:
        """Answer a question of the catalogue."""
        question = load_questions()[name]
        period = asked_period(given.pop("since", None), given.pop("until", None), given.pop("as_of", None) or date(2099, 1, 1))
        taken = {parameter.name for parameter in question.parameters}
        bound = question.bind({**given, **{key: value for key, value in period.items() if key in taken}})
        return self.engine.run(question.sql, bound, self.scope)

    def close(self) -> None:
        """Remove the files."""
        shutil.rmtree(self.folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def lake_of(world: World) -> ReportLake:
    """Return the lake of all reports of a world."""
    own = Ownership(world.own_domains, world.own_hosts)
    return ReportLake(row for report in world.reports() for row in rows_of(report, own))
