"""Where a notice leads on the page."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qsl, urlsplit

if TYPE_CHECKING:
    from pipeline.notify.notice import Notice


class NoticeWay(NamedTuple):
    """A link."""

    words: str
    page: str
    parameters: dict[str, str]


_WORDS = {"incident": "Cause, fix and evidence", "domain": "The domain", "reporters": "Who reports", "ingest": "Ingest health"}


def way_to(notice: Notice) -> NoticeWay | None:
    """Return the way to what a notice is about; None: there is none, or a page of another version of the program."""
    parts = urlsplit(notice.path)
    words = _WORDS.get(parts.path)
    return None if words is None else NoticeWay(words, parts.path, dict(parse_qsl(parts.query)))
