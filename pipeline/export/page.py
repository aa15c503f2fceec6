"""The page about one domain: one HTML document that asks nobody outside for anything, and runs no script.

Every text goes through `pipeline.output.markup.text`; the Content-Security-Policy forbids all but the style sheet in the page, which is
named by its digest.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator
from datetime import date
from importlib.resources import files as package_files
from typing import TYPE_CHECKING

from pipeline import __version__
from pipeline.export.first_page import first_page
from pipeline.export.sections import incident_section, policies_section, readiness_section, table
from pipeline.export.svg_charts import Series, stacked_bars
from pipeline.insight.phrases import days_of
from pipeline.output.markup import Html, text

if TYPE_CHECKING:
    from pipeline.export.page_facts import PageFacts, Row

_MOST_TYPES = 4
"""Result types with a colour of their own; what is less often mentioned goes into one more."""


def page(facts: PageFacts) -> str:
    """Return the page as an HTML document."""
    return document(f"TLS reports about {facts.domain}, {facts.as_of}", _body(facts))


def document(title: str, parts: Iterable[str]) -> str:
    """Return an HTML document of these parts, each of them markup."""
    style = package_files("pipeline.export").joinpath("page.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    body = "\n".join(parts)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="referrer" content="no-referrer">\n<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{text(title)}</title>\n<style>{style}</style>\n</head>\n"
        f"<body><main>\n{body}\n</main></body>\n</html>\n"
    )


def _body(facts: PageFacts) -> Iterator[str]:
    yield f"<h1>{text(facts.domain)}</h1>"
    yield f'<p class="soft">Mail delivered over TLS, as its senders report it · {days_of(facts.since, facts.until)}, days in UTC</p>'
    yield from first_page(facts)
    yield '<h2 class="details">The details</h2>'
    yield _summary(facts)
    if not facts.totals["sessions"]:
        yield "<p>No report about this domain counts in the period. Nothing is known; that is not the same as nothing failing.</p>"
    else:
        yield _tiles(facts.totals)
        yield _sessions_chart(facts)
    yield "<h2>What fails, and what to do</h2>"
    if not facts.incidents and facts.totals["sessions"]:
        yield "<p>No incident in the period.</p>"
    yield from (incident_section(incident) for incident in sorted(facts.incidents, key=lambda one: one.state == "resolved"))
    if facts.failures:
        yield _failures_chart(facts)
        yield _hosts(facts.hosts)
    yield from readiness_section(facts.readiness)
    yield from policies_section(facts.seen)
    yield from _believe(facts)
    yield (
        f"<footer>Counts are sessions, never messages; failure details may overlap and are shown as mentions. Days that may still get "
        f"reports are paler. RFC 8460 (TLS reports), RFC 8461 (MTA-STS), RFC 7672 (DANE). Made by tlsrpt-analytics {__version__} as of "
        f"{facts.as_of}.</footer>"
    )


def _summary(facts: PageFacts) -> str:
    standing = [incident for incident in facts.incidents if incident.state != "resolved"]
    ours = sum(incident.fault == "ours" for incident in standing)
    sentence = "No open incident."
    if standing:
        many = len(standing) > 1
        whose = f"{ours} of them ours" if many else "and it is ours" if ours else "not ours"
        sentence = f"{len(standing)} incident{'s are' if many else ' is'} not over, {whose}."
    if not facts.totals["sessions"]:
        sentence = ""
    kind = {"ready": "good", "already-enforcing": "good", "not-ready": "bad"}.get(facts.readiness.verdict, "none")
    return f'<p>{sentence} MTA-STS <code>enforce</code>: <span class="badge {kind}">{text(facts.readiness.verdict)}</span></p>'


def _tiles(totals: Row) -> str:
    rate = totals["success_rate"]
    shown = [
        ("–" if rate is None else f"{rate:.2%}", "of the sessions authenticated"),
        (f"{totals['sessions']:,}", "sessions"),
        (f"{totals['failed']:,}", "failed"),
        (f"{totals['unprotected']:,}", "without a policy"),
        (f"{totals['reporters']:,}", "reporters"),
    ]
    tiles = "".join(f'<div class="tile"><b>{text(value)}</b><span>{text(name)}</span></div>' for value, name in shown)
    return f'<div class="tiles">{tiles}</div>'


def _sessions_chart(facts: PageFacts) -> str:
    kinds = (("authenticated", "authenticated", "good"), ("failed", "failed", "bad"), ("unprotected", "without a policy", "none"))
    series = [Series(title, colour, {row["report_day"]: row[name] for row in facts.days}) for name, title, colour in kinds]
    return stacked_bars("Sessions by day", facts.since, facts.until, series, pale=facts.incomplete)


def _failures_chart(facts: PageFacts) -> str:
    totals: dict[str, int] = {}
    for row in facts.failures:
        totals[row["result_type"]] = totals.get(row["result_type"], 0) + row["mentions"]
    named = sorted(totals, key=lambda name: (-totals[name], name))[:_MOST_TYPES]
    groups = {name: named.index(name) if name in named else _MOST_TYPES for name in totals}
    values: list[dict[date, int]] = [{} for _ in range(_MOST_TYPES + 1)]
    for row in facts.failures:
        group = values[groups[row["result_type"]]]
        group[row["report_day"]] = group.get(row["report_day"], 0) + row["mentions"]
    titles = [*(name or "no result type" for name in named), *[""] * (_MOST_TYPES - len(named)), "others"]
    series = [Series(title, f"c{number}", values[number]) for number, title in enumerate(titles) if values[number]]
    return stacked_bars("Failure mentions by day and result type", facts.since, facts.until, series, pale=facts.incomplete)


def _hosts(hosts: Iterable[Row]) -> Html:
    rows = [
        (
            row["receiving_mx_hostname"] or "not named",
            row["result_type"] or "none",
            row["mentions"],
            row["reporters"],
            row["first_day"],
            row["last_day"],
        )
        for row in hosts
    ]
    return table(("MX host", "result type", "mentions", "reporters", "first day", "last day"), rows[:25])


def _believe(facts: PageFacts) -> Iterator[str]:
    yield "<h2>Reporters</h2>"
    silent = [line for line in facts.coverage if line.silent_since]
    if silent:
        names = ", ".join(f"{line.reporter} (since {line.silent_since})" for line in silent)
        yield f"<p>Silent, though they used to report: {text(names)}. Silence proves nothing.</p>"
    rows = [
        (
            row["submitter_domain"],
            row["sessions"],
            row["failed"],
            row["unprotected"],
            row["days"],
            row["last_day"],
            ", ".join(row["trust_tiers"]),
        )
        for row in facts.reporters
    ]
    yield table(("reporter", "sessions", "failed", "without a policy", "days", "last day", "proved by"), rows[:50])
    if len(rows) > 50:
        yield f'<p class="small soft">and {len(rows) - 50:,} more</p>'
    if facts.not_counted:
        yield (
            f'<p class="small soft">{facts.not_counted:,} more report{"s" if facts.not_counted > 1 else ""} about this domain '
            f"{'are' if facts.not_counted > 1 else 'is'} kept and not counted: the sender is not proved to be who it says, or a better "
            "report of the same identity counts.</p>"
        )
