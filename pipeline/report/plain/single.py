"""One plain report as the value that the careful way makes of it: for mails, and wherever rows are wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.report.model import FailureDetail, Report
from pipeline.report.moments import check_age
from pipeline.report.plain.drafts import draft_in
from pipeline.report.plain.facts import facts_of
from pipeline.report.plain.reports import content_digest, read_policies

if TYPE_CHECKING:
    from pipeline.report.model import PolicyResult
    from pipeline.report.notes import Notes
    from pipeline.report.plain.drafts import Draft


def plain_report(value: Any, text: bytes, notes: Notes) -> Report | None:
    """Return the report that a JSON text is, None where it is not plain.

    Args:
        value: The value of the text.
        text: The text.
        notes: When it came, and the quirks of its container; nothing is added where it is not plain.

    Raises:
        Refusal: It is of the future.
    """
    draft = draft_in("", value, text, facts_of(notes.limits)) if notes.clean else None
    if draft is None:
        return None
    _, who, when, report_id, _, _ = draft
    if notes.received_at is not None:
        check_age(when.end, notes.received_at, notes)
    texts, quirks = read_policies(draft, [])
    quirks += who.quirks + when.quirks
    return Report(
        who.organization,
        who.contact,
        report_id,
        when.start,
        when.end,
        when.start_raw,
        when.end_raw,
        _policies(draft),
        tuple(sorted(notes.quirks.union(quirks))),
        (),
        0,
        content_digest(draft, texts),
    )


def _policies(draft: Draft) -> tuple[PolicyResult, ...]:
    details = draft[5]
    made = []
    at = 0
    for policy, success, failure, count in draft[4]:
        # the raw result type is null where it is a registered one
        failures = tuple([FailureDetail(each[0], None, *each[1:]) for each in details[at : at + count]]) if count else ()
        made.append(policy.result._replace(success_count=success, failure_count=failure, failures=failures))
        at += count
    return tuple(made)
