"""Whether a posted report names a domain of ours, without parsing it (it is inflated as far as a bound): parsing is for the sandbox.

A post that names none is refused, so that nobody fills the spool of a stranger. What names one may still be about others; what counts is
decided when it is read.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipeline.report.mime.inflate import container_of, unpack
from pipeline.report.parse_notes import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.report.limits import Limits

_ESCAPE = b"\\u"
"""A name may be written in escapes (RFC 8259 §7); then reading has to tell."""


class NamesOfOurs:
    """The names a report has to have one of."""

    def __init__(self, names: Iterable[str], limits: Limits) -> None:
        """Remember them; without any every report will do."""
        spelled = {spelling for name in names for spelling in _spellings(name)}
        self._names = re.compile(b"|".join(map(re.escape, sorted(spelled)))) if spelled else None
        self._limits = limits

    def refusal_of(self, content: bytes) -> str | None:
        """Return why a post is not taken, as a constant sentence; None where it is. Takes what inflating one report may cost."""
        container = container_of(content)
        if container is None:
            return "this is neither gzip nor JSON"
        if self._names is None:
            return None
        try:
            text = unpack(content, container, self._limits).content
        except Refusal:
            return "this is damaged, or larger than is read here"
        if self._names.search(text.lower()) or _ESCAPE in text:
            return None
        return "this report names no domain that is received here"


def _spellings(name: str) -> set[bytes]:
    try:
        return {name.encode("ascii"), name.encode("ascii").decode("idna").lower().encode()}
    except UnicodeError:
        return {name.encode()}
