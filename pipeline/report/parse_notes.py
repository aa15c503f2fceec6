"""What the parser writes down while it reads one report: quirks, unknown members, and the count of members it has seen."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from pipeline.report.limits import Limits

_UNSHOWABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069\ufdd0-\ufdef\ufeff\ud800-\udfff]|[\ufffe\uffff]")
_PATH_CHARS = 100


class Refusal(Exception):  # noqa: N818 -- not an error of ours; it never leaves `pipeline.report`
    """Raised inside the parser to stop reading; `pipeline.report` turns it into a `Rejected` with this code and detail."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail


class Notes:
    """The notes on one report."""

    __slots__ = ("clean", "details", "escapes", "limits", "members", "quirks", "received_at", "sent_at", "unknown", "unknown_count")

    def __init__(self, limits: Limits, *, received_at: datetime | None = None, sent_at: datetime | None = None) -> None:
        self.limits = limits
        self.received_at = received_at
        """When the report was received; None where that is not known (a file): then it is not held against the reporting period."""
        self.sent_at = sent_at
        """The Date of the mail: an old mail that is imported today is not a report that came late."""
        self.clean = False
        """Whether the whole JSON text is printable ASCII without escapes but of quotation marks, so that no string in it needs to be
        looked at."""
        self.escapes = 0
        """Backslashes in the JSON text."""
        self.members = 0
        """JSON members seen; fewer than the text has means that a name occurs twice in one object."""
        self.details = 0
        self.quirks: set[str] = set()
        self.unknown: set[str] = set()
        self.unknown_count = 0

    def add(self, quirk: str) -> None:
        """Write down a quirk."""
        self.quirks.add(quirk)

    def add_unknown(self, path: str) -> None:
        """Count a member outside RFC 8460 §4.4 and remember its path while there are few."""
        self.unknown_count += 1
        self.quirks.add("unknown_key")
        if len(self.unknown) < self.limits.unknown_members:
            self.unknown.add(clean_text(path)[:_PATH_CHARS])


def clean_text(text: str) -> str:
    """Return a text without control characters, bidirectional controls, surrogates and noncharacters.

    A line break or tab becomes a blank, so that words stay apart; blanks at the ends go.
    """
    if text.isprintable():
        return text
    return _UNSHOWABLE.sub("", re.sub(r"[\t\r\n\v\f\u2028\u2029]+", " ", text)).strip()
