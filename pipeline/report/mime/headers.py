"""Header fields of a mail or of one of its parts (RFC 5322 §2.2), unfolded, and the parameters of the MIME fields (RFC 2045 §5.1).

Texts are bounded before anything clever happens to them: encoded words (RFC 2047) and continued parameters (RFC 2231) go to the standard
library one short field at a time.
"""

from __future__ import annotations

import re
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from functools import lru_cache
from typing import TYPE_CHECKING

from pipeline.report.model import Rejected
from pipeline.report.parse_notes import clean_text

if TYPE_CHECKING:
    from pipeline.report.limits import Limits

_TOKEN = re.compile(r"[A-Za-z0-9!#$&^_.+-]+(?:/[A-Za-z0-9!#$&^_.+-]+)?", re.ASCII)
_PARAMETER = re.compile(r';\s*([A-Za-z0-9-]+)\s*=\s*(?:"([^"\\]*)"|([^\s;"()<>@,\\\[\]]+))\s*(?=;|$)', re.ASCII)
_ENOUGH = 2
_EMPTY_LINE = re.compile(rb"\n\r?\n")
_PART_NAMES = "content-type|content-transfer-encoding|content-disposition"
_BODY = r":([^\n]*+(?:\n[ \t][^\n]*+)*+)"
"""What a field says, its continuation lines included (RFC 5322 §2.2.3)."""
# the look-ahead costs nothing and saves comparing all names at each line
_PART_FIELDS = re.compile(r"\n(?=[Cc])(?i:(" + _PART_NAMES + r"))" + _BODY, re.ASCII)
_MAIL_FIELDS = re.compile(
    r"\n(?=[CcDdFfMmSsTt])(?i:(" + _PART_NAMES + r"|subject|from|date|message-id|tls-report-domain|tls-report-submitter))" + _BODY, re.ASCII
)
_ENCODED_WORDS = 200
_MOST_PARAMETERS = 100
_REMEMBERED_BYTES = 256


class Headers:
    """The fields of one header that we read, in order; names are lower-case."""

    __slots__ = ("_parameters", "fields", "media_type", "rejected")

    def __init__(self, fields: dict[str, list[str]], rejected: Rejected | None = None) -> None:
        self.fields = fields
        self.rejected = rejected
        self._parameters: dict[str, dict[str, str]] = {}
        found = self.token("content-type", "text/plain")
        self.media_type = found if "/" in found else "text/plain"
        """The media type, lower-case; text/plain where there is none (RFC 2045 §5.2)."""

    def first(self, name: str) -> str | None:
        """Return a field as it first occurs, unfolded, not decoded."""
        found = self.fields.get(name)
        return found[0] if found else None

    def only(self, name: str) -> str | None:
        """Return a field that occurs exactly once; two of a kind say nothing, because one of them may be forged."""
        found = self.fields.get(name)
        return found[0] if found and len(found) == 1 else None

    def token(self, name: str, default: str) -> str:
        """Return the leading word of a MIME field, lower-case (RFC 2045 §5.1)."""
        value = self.first(name)
        match = _TOKEN.match(value) if value else None
        return match[0].lower() if match else default

    def parameter(self, name: str, parameter: str) -> str | None:
        """Return a parameter of a MIME field, continued or encoded ones included (RFC 2231)."""
        value = self.first(name)
        if not value or ";" not in value:
            return None
        plain = self._parameters.get(name)
        if plain is None:
            # the first of a name counts
            plain = {found.lower(): token or text for found, text, token in reversed(_PARAMETER.findall(value))}
            self._parameters[name] = plain
        wanted = parameter.lower()
        if wanted in plain:
            return plain[wanted]
        return _odd_parameter(value, wanted) if wanted in value.lower() else None

    def text(self, name: str) -> str | None:
        """Return a field as text for people: encoded words decoded, control characters removed; None where absent or empty."""
        value = self.first(name)
        if value is None:
            return None
        return clean_text(decode_words(value)).strip() or None


def read_headers(content: bytes, start: int, end: int, limits: Limits) -> tuple[Headers, int]:
    """Read the header that begins at `start`, at most up to `end`.

    Lines that are not fields, such as an mbox's `From `, are passed over.

    Args:
        content: The whole mail.
        start: Where the header begins, in bytes; 0 for that of the mail itself, any other for that of a part.
        end: Where the part ends, exclusive.
        limits: How large a header and a field may be.

    Returns:
        The fields that we read, and where the body begins.
    """
    block_end, body = _header_end(content, start, end)
    size = block_end - start
    if start and size <= _REMEMBERED_BYTES <= min(limits.header_bytes, limits.header_block_bytes):
        return _of_part(content[start:block_end]), body
    block = b"\n" + content[start : min(block_end, start + limits.header_block_bytes)]
    fields, longest = _fields(block, _PART_FIELDS if start else _MAIL_FIELDS, limits.header_bytes)
    detail = None
    if size > limits.header_block_bytes:
        detail = f"a header of the mail has {size:,} bytes, the limit is {limits.header_block_bytes:,}"
    elif longest > limits.header_bytes:
        detail = f"a header field of the mail is longer than {limits.header_bytes:,} bytes"
    return Headers(fields, None if detail is None else Rejected("mime_limits", detail)), body


@lru_cache(maxsize=512)
def _of_part(block: bytes) -> Headers:
    """Read the short header of a part: that of the text for people is the same in all mails of a sender."""
    return Headers(_fields(b"\n" + block, _PART_FIELDS, len(block))[0])


def _header_end(content: bytes, start: int, end: int) -> tuple[int, int]:
    """Return where the header ends and where the body begins: an empty line is between them."""
    if content.startswith((b"\r\n", b"\n"), start, end):
        return start, start + (2 if content.startswith(b"\r", start, end) else 1)
    match = _EMPTY_LINE.search(content, start, end)
    return (match.start() + 1, match.end()) if match is not None else (end, end)


def _fields(block: bytes, wanted: re.Pattern[str], most: int) -> tuple[dict[str, list[str]], int]:
    """Find the wanted fields; of each the first two, which is enough to know that there are two. Also return the greatest length.

    Args:
        block: The header, with a line feed before it; a character a byte is quicker to search than bytes that are decoded one by one.
        wanted: Finds names and what they say.
        most: How much of a field is kept, in bytes, once it is unfolded.
    """
    fields: dict[str, list[str]] = {}
    longest = 0
    is_ascii = block.isascii()
    for written, folded in wanted.findall(block.decode("latin-1")):
        name = _name(written)
        found = fields.get(name)
        if found is None:
            found = fields[name] = []
        elif len(found) >= _ENOUGH:
            continue
        value = folded.replace("\r\n", "").replace("\n", "") if "\n" in folded else folded
        longest = max(longest, len(value))
        value = value[:most]
        found.append((value if is_ascii else value.encode("latin-1").decode("utf-8", "replace")).strip())
    return fields, longest


@lru_cache(maxsize=256)
def _name(written: str) -> str:
    return written.lower()


def _odd_parameter(value: str, parameter: str) -> str | None:
    """Find a parameter that is quoted with escapes, encoded or continued, with the standard library."""
    if value.count(";") > _MOST_PARAMETERS:
        return None
    message = Message()
    message["content-type"] = value.replace("\r", " ").replace("\n", " ")
    try:
        found = message.get_param(parameter)
    except (ValueError, LookupError, TypeError, IndexError, HeaderParseError):
        return None
    if isinstance(found, tuple):
        charset, _, text = found
        try:
            return text.encode("latin-1", "replace").decode(charset or "us-ascii", "replace")
        except (LookupError, ValueError):
            return text
    return found


def decode_words(value: str) -> str:
    """Decode encoded words (RFC 2047); a field with too many of them stays as it is."""
    if "=?" not in value or value.count("=?") > _ENCODED_WORDS:
        return value
    try:
        return "".join(_word(text, charset) for text, charset in decode_header(value))
    except (HeaderParseError, ValueError, LookupError):
        return value


def _word(text: bytes | str, charset: str | None) -> str:
    if isinstance(text, str):
        return text
    try:
        return text.decode(charset or "ascii", "replace")
    except (LookupError, ValueError):
        return text.decode("latin-1")
