"""Messages within a message: forwarded as an attachment, in a journal's envelope, or attached as a file (RFC 2046 §5.2.1).

A report that somebody forwards is a report all the same, and its own signature goes with it. What a bounce returns is not opened: that is a
report of our own that did not arrive.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from pipeline.report.mime.structure import read_mime
from pipeline.report.mime.transfer import decode_body, decode_head
from pipeline.report.model import Rejected

if TYPE_CHECKING:
    from pipeline.report.limits import Limits
    from pipeline.report.mime.structure import Mime, Part

_MESSAGES = frozenset({"message/rfc822", "message/global", "message/news", "application/eml", "application/rfc822", "text/rfc822"})
_OF_NOTIFICATIONS = frozenset({"message/delivery-status", "message/disposition-notification", "message/feedback-report"})
_FILE_ENDINGS = (".eml", ".mime")
_HEAD = 4096
_BEGINS = re.compile(rb"\s*(?:[!-9;-~]{1,70}:[^\n]*\n(?:[ \t][^\n]*\n)*){3}")
"""Three fields of a header."""


class Inner(NamedTuple):
    """One message found within another."""

    content: bytes
    mime: Mime


class Opened(NamedTuple):
    """All messages within one."""

    messages: tuple[Inner, ...]
    rejected: Rejected | None
    """Why not all could be opened."""


_NONE = Opened((), None)


def open_messages(outer: Mime, limits: Limits) -> Opened:
    """Take apart the messages within a message, those within them, and so on to the depth of the limits."""
    if not any(map(holds_message, outer.parts)):
        return _NONE
    found: list[Inner] = []
    rejected: Rejected | None = None
    waiting = [(outer, 1)]
    parts = len(outer.parts)
    while waiting:
        mime, depth = waiting.pop(0)
        if any(part.headers.media_type in _OF_NOTIFICATIONS for part in mime.parts):
            continue
        for part in mime.parts:
            if not holds_message(part):
                continue
            if depth > limits.mime_depth or parts > limits.mime_parts:
                return Opened(tuple(found), Rejected("mime_limits", f"messages are nested deeper than {limits.mime_depth} levels"))
            content = decode_body(part).content.lstrip(b"\r\n")
            inner = read_mime(content, limits)
            parts += len(inner.parts) + 1
            rejected = rejected or inner.rejected
            found.append(Inner(content, inner))
            waiting.append((inner, depth + 1))
    return Opened(tuple(found), rejected)


def holds_message(part: Part) -> bool:
    """Say whether a leaf part is a message: by its media type, the ending of its name, or how it begins where it is said to be anything."""
    headers = part.headers
    if headers.media_type in _MESSAGES or (part.in_digest and headers.first("content-type") is None):
        return True
    if headers.media_type == "application/octet-stream" and _BEGINS.match(decode_head(part, _HEAD)):
        return True
    name = headers.parameter("content-disposition", "filename") or headers.parameter("content-type", "name") or ""
    return name.lower().rstrip().endswith(_FILE_ENDINGS)
