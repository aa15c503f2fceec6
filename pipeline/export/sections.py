"""The parts of the page that tell a conclusion: an incident, the verdict on `enforce`, the policies senders hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING

from pipeline.export.svg_charts import Series, stacked_bars
from pipeline.insight.phrases import days_of
from pipeline.output.markup import Html, joined, text

if TYPE_CHECKING:
    from pipeline.insight.api import Incident, PoliciesSeen, Readiness


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> Html:
    """Return a table; columns of numbers are aligned to the right."""
    body = list(rows)
    numeric = [bool(body) and isinstance(body[0][at], int) for at in range(len(head))]
    marks = [' class="number"' if right else "" for right in numeric]
    headings = "".join(f"<th{mark}>{text(name)}</th>" for mark, name in zip(marks, head, strict=True))
    lines = "".join(f"<tr>{''.join(f'<td{mark}>{_cell(cell)}</td>' for mark, cell in zip(marks, row, strict=True))}</tr>" for row in body)
    return Html(f'<div class="wide"><table><tr>{headings}</tr>{lines}</table></div>')


def incident_section(incident: Incident) -> Html:
    """Return one incident: what it is, what it means, what to do."""
    standing = incident.state != "resolved"
    until = f"since {incident.first_day}" if incident.state == "open" else days_of(incident.first_day, incident.last_day)
    facts = [
        (incident.went, f"{incident.failed_sessions:,} of {incident.sessions:,} sessions of these senders ({incident.share_said})"),
        ("senders", joined(incident.reporters)),
        ("MX hosts", joined(incident.mx_hosts)),
        ("addresses", joined(incident.receiving_ips) + (f" (only {incident.node})" if incident.node else "")),
        ("result types", joined(name or "no details" for name in incident.result_types)),
        ("reasons", joined(incident.reasons)),
        ("meaning", f"{incident.meaning} ({incident.rfc})"),
        ("what to do", incident.fix),
        ("why this verdict", incident.comparison),
    ]
    commands = "".join(f"<pre>{text(command)}</pre>" for command in incident.commands)
    return Html(
        f'<section class="incident{" bad" if standing and incident.fault == "ours" else ""}"><h3>{text(incident.title)}</h3>'
        f'<p><span class="badge {"bad" if standing else "none"}">{text(incident.state)}</span> '
        f'<span class="soft">{text(until)} · fault: {text(incident.fault)} · {text(incident.id)}</span></p>'
        f"{_definitions(facts)}{commands}</section>"
    )


def readiness_section(verdict: Readiness) -> Iterator[Html]:
    """Yield the verdict, its arithmetic, what is missing, and the what-if by day."""
    kind = {"ready": "good", "already-enforcing": "good", "not-ready": "bad"}.get(verdict.verdict, "none")
    yield Html(f'<h2>Ready for enforce?</h2><p><span class="badge {kind}">{text(verdict.verdict)}</span> ')
    yield Html(f'<span class="soft">from {verdict.days} complete days, {days_of(verdict.since, verdict.until)}</span></p>')
    yield _definitions(
        [
            ("sessions", f"{verdict.sessions:,} under an MTA-STS policy, of {verdict.days_covered} days"),
            (verdict.refused, f"{verdict.would_refuse:,}"),
            ("upper bound", f"{verdict.upper_bound_95:.2%}"),
            ("known reporters", joined(verdict.reporters)),
        ]
    )
    yield Html(f"<p>{text(verdict.arithmetic)}</p>")
    if verdict.reasons:
        yield Html(f"<ul>{''.join(f'<li>{text(reason)}</li>' for reason in verdict.reasons)}</ul>")
    if verdict.replay:
        yield _what_if(verdict)
    yield Html(f"<p><b>Next:</b> {text(verdict.next_step)}</p>")


def _what_if(verdict: Readiness) -> Html:
    refused: dict[date, int] = {}
    delivered: dict[date, int] = {}
    for day in verdict.replay:
        refused[day.report_day] = refused.get(day.report_day, 0) + day.would_refuse
        delivered[day.report_day] = delivered.get(day.report_day, 0) + day.sts_sessions - day.would_refuse
    series = [Series("delivered", "good", delivered), Series("refused", "bad", refused)]
    return stacked_bars("What enforce would have refused, by day (known reporters)", verdict.since, verdict.until, series)


def policies_section(seen: PoliciesSeen) -> Iterator[Html]:
    """Yield which policy which sender applied, the published one and the old."""
    if not seen.held:
        return
    yield Html("<h2>Policies that senders hold</h2>")
    if seen.published is not None:
        lines = "\n".join(map(text, seen.published.lines))
        source = "as last checked" if seen.published.source == "checked" else "as most sessions of the last three complete days carried it"
        yield Html(f"<p>Published, {source}:</p><pre>{lines}</pre>")
    rows = [
        (
            held.reporter,
            "the published one" if held.is_published else "an older one",
            held.first_day,
            held.last_day,
            held.sessions,
            "" if held.is_published else f"until {held.held_until}" if held.held_until else "",
        )
        for held in seen.held
        if held.is_latest
    ]
    yield table(("sender", "its latest policy", "first day", "last day", "sessions", "may hold it"), rows)
    if seen.changes:
        changes = "".join(f"<li>{change.day}: {text('; '.join(change.what) or 'another text')}</li>" for change in seen.changes)
        yield Html(f"<p>Changes:</p><ul>{changes}</ul>")


def _definitions(facts: Iterable[tuple[str, str]]) -> Html:
    return Html(f"<dl>{''.join(f'<dt>{text(name)}</dt><dd>{text(value)}</dd>' for name, value in facts)}</dl>")


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, Html):
        return value
    return f"{value:,}" if isinstance(value, int) else text(value)
