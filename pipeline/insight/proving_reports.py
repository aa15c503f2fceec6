"""The reports that prove an incident."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from pipeline.insight.ask import between, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipeline.insight.ask import Ask
    from pipeline.insight.detect.failure_runs import Run
    from pipeline.insight.incident import Incident

_ALL = 1_000_000_000


class _Line(NamedTuple):
    """Failures to look for: of one sender, result, reason and host, over some days."""

    domain: str
    first_day: date
    last_day: date
    reporter: str
    result_type: str
    reason: str
    host: str


class _Proof(NamedTuple):
    incident: int
    report_key: str
    reports_in_all: int


def with_evidence(ask: Ask, incidents: Sequence[Incident], *, limit: int | None) -> list[Incident]:
    """Return the incidents with the keys of the reports that prove them, newest first.

    Args:
        ask: Answers questions.
        incidents: Any number of them; one question serves all.
        limit: Keys for each at most; None: all.
    """
    lines = [(number, line) for number, incident in enumerate(incidents) for line in _lines(incident.basis.run)]
    if not lines:
        return list(incidents)
    answer = between(
        ask,
        "insight_evidence",
        since=min(line.first_day for _, line in lines),
        until=max(line.last_day for _, line in lines),
        incidents=[str(number) for number, _ in lines],
        firsts=[line.first_day.isoformat() for _, line in lines],
        lasts=[line.last_day.isoformat() for _, line in lines],
        domains=[line.domain for _, line in lines],
        reporters=[line.reporter for _, line in lines],
        results=[line.result_type for _, line in lines],
        reasons=[line.reason for _, line in lines],
        hosts=[line.host for _, line in lines],
        limit_each=_ALL if limit is None else limit,
    )
    keys: defaultdict[int, list[str]] = defaultdict(list)
    in_all: dict[int, int] = {}
    for proof in rows_of(answer, _Proof):
        keys[proof.incident].append(proof.report_key)
        in_all[proof.incident] = proof.reports_in_all
    return [incident.with_evidence(keys[number], in_all.get(number, 0)) for number, incident in enumerate(incidents)]


def _lines(run: Run) -> Iterable[_Line]:
    days: dict[tuple[str, str, str, str], tuple[date, date]] = {}
    for part in run.parts:
        key = (part.reporter, part.result_type, part.reason or "", part.host or "")
        first, last = days.get(key, (part.first_day, part.last_day))
        days[key] = (min(first, part.first_day), max(last, part.last_day))
    return (_Line(run.domain, first, last, *key) for key, (first, last) in sorted(days.items()))
