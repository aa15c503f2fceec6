"""The first page of the report on one domain, for those who decide and read no RFCs: how it is, what is wrong, what is to be done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.insight.faults import by_fault
from pipeline.insight.phrases import count_of, first_sentence, first_step, sentence_start, span_of
from pipeline.output.markup import Html, text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline.export.page_facts import PageFacts
    from pipeline.insight.api import Incident

_SHOWN = 4
"""Faults told on the first page."""
_VERDICTS = {
    "ready": (
        "good",
        "Protection can be enforced now",
        "What senders report gives no reason to wait. Once it is enforced, senders that support it deliver to this domain over a protected "
        "connection or not at all.",
    ),
    "already-enforcing": (
        "good",
        "Protection is enforced",
        "Senders that support it deliver to this domain over a protected connection or not at all: what is wrong below can keep mail away.",
    ),
    "not-ready": (
        "bad",
        "Protection should not be enforced yet",
        "If it were enforced now, senders would hold back mail that they deliver today.",
    ),
    "not-enough-evidence": (
        "none",
        "Too little is known to enforce protection",
        "Enforcing it may or may not keep mail away: not enough senders have reported for long enough to say.",
    ),
    "no-policy": (
        "none",
        "No protection is published",
        "Senders encrypt where they can, but nothing tells them to insist on it or to check that they reached the right server.",
    ),
}
"""By verdict: its colour, and what it means without the terms of the field."""
_WHOSE = {"ours": "on your side", "sender": "at the sender", "path": "on the way to you", "unknown": "not known whose"}


def first_page(facts: PageFacts) -> Iterator[str]:
    """Yield the page; what it says is said again below, with the figures."""
    yield f'<p class="lead">{text(_state(facts))}</p>'
    kind, title, meaning = _VERDICTS[facts.readiness.verdict]
    yield f'<h2>Can protection be enforced?</h2><p><span class="badge {kind}">{text(title)}</span></p><p>{text(meaning)}</p>'
    if facts.readiness.verdict == "not-ready" and facts.readiness.would_refuse:
        looked_at = f"{facts.readiness.would_refuse:,} of {count_of(facts.readiness.sessions, 'connection')}"
        yield f"<p>{looked_at} would have been refused {span_of(facts.readiness.since, facts.readiness.until)}.</p>"
    standing = [fault for fault in by_fault(facts.incidents) if any(one.state != "resolved" for one in fault)]
    standing.sort(key=lambda fault: (fault[0].fault != "ours", -sum(one.failed_sessions for one in fault)))
    yield "<h2>What is wrong now?</h2>"
    yield from _wrong(standing, facts)
    yield "<h2>What is to be done?</h2>"
    steps = [first_step(fault[0].fix) for fault in standing if fault[0].fault == "ours"][:_SHOWN]
    steps.append(first_sentence(facts.readiness.next_step))
    yield f"<ul>{''.join(f'<li>{text(step)}</li>' for step in dict.fromkeys(steps))}</ul>"
    yield f'<p class="small soft">{" ".join(text(line) for line in facts.ground.said())}</p>'


def _state(facts: PageFacts) -> str:
    totals = facts.totals
    if not totals["sessions"]:
        return (
            "No sender has reported on deliveries to this domain in these days. So nothing is known; that does not mean that all is well."
        )
    reporters = count_of(totals["reporters"], "sender")
    share = f"{totals['success_rate']:.1%}" if totals["success_rate"] is not None else "none"
    these = (
        "these"
        if totals["rated_sessions"] == totals["sessions"]
        else f"the {totals['rated_sessions']:,} of senders that also report days without failures,"
    )
    rest = [f"{totals['failed']:,} failed"] if totals["failed"] else []
    rest += [f"{totals['unprotected']:,} found no policy"] if totals["unprotected"] else []
    return (
        f"{sentence_start(reporters)} reported {count_of(totals['sessions'], 'connection')} to the mail servers of this domain. "
        f"Of {these} {share} were protected as published{'; ' + ' and '.join(rest) if rest else ', and none failed'}."
    )


def _wrong(standing: Sequence[Sequence[Incident]], facts: PageFacts) -> Iterator[Html]:
    if not standing:
        known = facts.totals["sessions"]
        yield Html(f"<p>{'Nothing that senders report.' if known else 'Nothing is known.'}</p>")
    for fault in standing[:_SHOWN]:
        first = max(fault, key=lambda one: one.failed_sessions)
        failed, sessions = sum(one.failed_sessions for one in fault), sum(one.sessions for one in fault)
        bad = " bad" if first.fault == "ours" else ""
        yield Html(
            f'<section class="incident{bad}"><h3>{text(sentence_start(first.title))}</h3>'
            f'<p class="soft">{text(_WHOSE.get(first.fault, first.fault))}, since {min(one.first_day for one in fault)}; '
            f"{failed:,} of {count_of(sessions, 'connection')} {text(first.went)}</p><p>{text(first_sentence(first.meaning))}</p></section>"
        )
    if more := len(standing) - _SHOWN:
        yield Html(f'<p class="soft">and {more:,} more, on the pages that follow</p>' if more > 0 else "")
