"""MIME structure: from the bytes of a mail to its leaf parts, in one pass, bounded, without recursion (RFC 2045, RFC 2046, RFC 5322).

A walker of our own, because neither parser at hand was fit: see decision 0016. It reads what a report mail can
be made of and no more: header fields, multiparts, leaf parts. A `message/rfc822` part is a leaf; `pipeline.report.nested` opens it.
Nothing is decoded until somebody asks for one part.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pipeline.report.mime.headers import Headers, read_headers
from pipeline.report.model import Rejected

if TYPE_CHECKING:
    from pipeline.report.limits import Limits


_RETURN = 0x0D


class Part(NamedTuple):
    """One leaf part: its header, and its body as transferred."""

    headers: Headers
    body: bytes
    in_digest: bool = False
    """Whether it is a message where its header does not say what it is (RFC 2046 §5.1.5)."""


class Mime(NamedTuple):
    """The structure of one mail."""

    headers: Headers
    parts: tuple[Part, ...]
    rejected: Rejected | None
    """Why the structure could not be read to its end; `parts` has what was found all the same."""


def read_mime(content: bytes, limits: Limits) -> Mime:
    """Split a mail into its leaf parts, in order."""
    headers, body_at = read_headers(content, 0, len(content), limits)
    if headers.rejected is not None:
        return Mime(headers, (), headers.rejected)
    if not headers.media_type.startswith("multipart/"):
        return Mime(headers, (Part(headers, content[body_at:]),), None)
    walk = _Walk(content, limits)
    walk.multipart(headers, body_at, len(content), 1)
    while walk.waiting and not walk.over:
        walk.part(*walk.waiting.pop())
    return Mime(headers, tuple(walk.parts), walk.rejected)


class _Walk:
    """The state of one pass over a mail."""

    def __init__(self, content: bytes, limits: Limits) -> None:
        self.content = content
        self.limits = limits
        self.parts: list[Part] = []
        self.waiting: list[tuple[int, int, int, bool]] = []
        """Parts still to be read, the next one last: start, end, depth, and whether they are in a digest."""
        self.seen = 0
        self.lines = 0
        self.over = False
        """Whether a limit was reached: then nothing more is read."""
        self.rejected: Rejected | None = None

    def part(self, start: int, end: int, depth: int, in_digest: bool) -> None:
        """Take one part: keep a leaf, take a multipart apart.

        Args:
            start: Where the part begins, in bytes of the mail.
            end: Where it ends, exclusive.
            depth: 1 and the number of multiparts it is in.
            in_digest: Whether the innermost of them is a digest.
        """
        self.seen += 1
        if self.seen > self.limits.mime_parts:
            self._stop(f"the mail has more than {self.limits.mime_parts} parts")
            return
        headers, body_at = read_headers(self.content, start, end, self.limits)
        if headers.rejected is not None:
            self._stop(headers.rejected.detail)
        elif headers.media_type.startswith("multipart/"):
            self.multipart(headers, body_at, end, depth)
        else:
            self.parts.append(Part(headers, self.content[body_at:end], in_digest))

    def multipart(self, headers: Headers, start: int, end: int, depth: int) -> None:
        """Find the parts of a multipart; one that has none is passed over, its neighbours are read.

        Args:
            headers: Those of the part itself; they name the boundary.
            start: Where its body begins, in bytes of the mail.
            end: Where it ends, exclusive.
            depth: 1 for that of the mail itself, 2 for one in it, and so on.
        """
        if depth > self.limits.mime_depth:
            self._stop(f"the parts of the mail are nested deeper than {self.limits.mime_depth} levels")
            return
        boundary = headers.parameter("content-type", "boundary")
        spans = self._split(boundary, start, end) if boundary else []
        if not spans and not self.over:
            self.rejected = Rejected("mime_malformed", "a multipart of the mail has no boundary, or no parts between its boundaries")
        in_digest = headers.media_type == "multipart/digest"
        self.waiting.extend([(first, last, depth + 1, in_digest) for first, last in reversed(spans)])

    def _stop(self, detail: str) -> None:
        self.over = True
        self.rejected = Rejected("mime_limits", detail)

    def _split(self, boundary: str, start: int, end: int) -> list[tuple[int, int]]:
        """Return where the parts of a multipart begin and end (RFC 2046 §5.1.1); without a closing delimiter the last ends with it."""
        content = self.content
        delimiter = b"\n--" + boundary.encode("utf-8", "replace")
        spans: list[tuple[int, int]] = []
        opened = -1
        # the multipart may begin with its delimiter; the line feed before it then ends its header
        at = content.find(delimiter, start - 1, end)
        while at >= 0:
            self.lines += 1
            if self.lines > self.limits.boundary_lines:
                self._stop(f"the mail has more than {self.limits.boundary_lines} boundary lines")
                return []
            after = at + len(delimiter)
            closes = content.startswith(b"--", after, end)
            line_end = content.find(b"\n", after, end)
            line_end = end if line_end < 0 else line_end
            # another boundary may begin with this one; blanks may follow it
            if not content[after + 2 * closes : min(line_end, after + 100)].strip(b" \t\r"):
                if opened >= 0:
                    spans.append((opened, _without_return(content, at, opened)))
                opened = -1 if closes else min(line_end + 1, end)
                if closes:
                    break
            at = content.find(delimiter, line_end, end)
        if opened >= 0:
            spans.append((opened, end))
        return spans


def _without_return(content: bytes, feed: int, start: int) -> int:
    """Return where a line ends whose line feed is at `feed`: the line break before a delimiter belongs to the delimiter."""
    if feed <= start:
        return start
    return feed - 1 if feed > start and content[feed - 1] == _RETURN else feed
