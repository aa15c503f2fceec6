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
    from collections.abc import Iterator

__all__ = ["QUIRKS", "REJECT_CODES", "report_texts"]


def report_texts(content: bytes, *, limits: Limits = DEFAULT_LIMITS) -> list[str]:
    """Return the JSON texts in a message or report file, indented where they parse. Empty where it carries none that can be read.

    Args:
        content: The bytes as received.
        limits: The bounds under which they are unpacked.
    """
    return [_indented(text) for text in _texts(content, limits)]


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
