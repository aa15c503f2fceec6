"""A report as its sender wrote it: the JSON texts in the bytes of a message, for people who want to see for themselves."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pipeline.report.limits import DEFAULT_LIMITS, Limits
from pipeline.report.mime.candidate import candidate_in
from pipeline.report.mime.inflate import container_of, unpack
from pipeline.report.mime.structure import read_mime
from pipeline.report.parse_notes import Refusal
from pipeline.report.quirks import QUIRKS, REJECT_CODES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from typing import Any

__all__ = ["QUIRKS", "REJECT_CODES", "part_of", "report_texts"]


def report_texts(content: bytes, *, limits: Limits = DEFAULT_LIMITS) -> list[str]:
    """Return the JSON texts in a message or report file, indented where they parse. Empty where it carries none that can be read.

    Args:
        content: The bytes as received.
        limits: The bounds under which they are unpacked.
    """
    return [_indented(text) for text in _texts(content, limits)]


def part_of(texts: Sequence[str], seen: Mapping[str, Any], theirs: Collection[int]) -> list[str]:
    """Return what the readers of a group see of a report as sent: the policies about their domains, and who sent it about which days.

    Nothing where the mail held several reports, which cannot be told apart by what they see.

    Args:
        texts: The JSON texts of the mail.
        seen: The row of the report as they see it.
        theirs: The places of their policies.
    """
    if len(texts) != 1:
        return []
    try:
        whole = json.loads(texts[0])
        policies = [policy for place, policy in enumerate(whole["policies"]) if place in theirs]
    except (ValueError, KeyError, TypeError, RecursionError):
        return []
    if len(policies) != len(theirs):
        return []
    if len(policies) == len(whole["policies"]):
        return list(texts)
    told = {"organization-name": seen["organization_name"], "contact-info": seen["contact_info"], "report-id": seen["report_id"]}
    part = {
        **told,
        "date-range": {"start-datetime": seen["window_start_raw"], "end-datetime": seen["window_end_raw"]},
        "policies": policies,
    }
    return [json.dumps(part, indent=2, ensure_ascii=False)]


def _texts(content: bytes, limits: Limits) -> Iterator[bytes]:
    if container_of(content) is not None:
        candidates = [content]
    else:
        found = (candidate_in(part, mail_declared=True) for part in read_mime(content, limits).parts)
        candidates = [candidate.content for candidate in found if candidate is not None]
    for candidate in candidates[: limits.report_parts]:
        container = container_of(candidate)
        if container is None:
            continue
        try:
            yield unpack(candidate, container, limits).content
        except Refusal:
            continue


def _indented(text: bytes) -> str:
    shown = text.decode("utf-8", "backslashreplace").removeprefix("\ufeff")
    try:
        return json.dumps(json.loads(shown), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return shown
