"""Transfer encodings of a part: base64, quoted-printable, or none (RFC 2045 §6)."""

from __future__ import annotations

import binascii
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pipeline.report.mime.structure import Part

_BASE64_LINES = re.compile(rb"\s*(?>[A-Za-z0-9+/=]+[ \t]*(?:\r?\n|\Z))*+")
_NO_BASE64 = re.compile(rb"[^A-Za-z0-9+/]+")


class Decoded(NamedTuple):
    """The bytes of a part after its transfer encoding."""

    content: bytes
    junk: bool
    """Whether the base64 text was not clean: what was made of it may be damaged (`base64_junk`)."""


def encoding_of(part: Part) -> str:
    """Return the transfer encoding, lower-case; `7bit` where none is given (RFC 2045 §6.1)."""
    return part.headers.token("content-transfer-encoding", "7bit")


def decode_body(part: Part) -> Decoded:
    """Undo the transfer encoding of a part. An unknown encoding counts as none."""
    encoding = encoding_of(part)
    if encoding == "base64":
        return decode_base64(part.body)
    if encoding == "quoted-printable":
        return Decoded(binascii.a2b_qp(part.body), junk=False)
    return Decoded(part.body, junk=False)


def decode_head(part: Part, size: int) -> bytes:
    """Return about the first `size` bytes of a part: enough to tell what it is, without decoding a photo."""
    encoding = encoding_of(part)
    if encoding == "base64":
        return decode_base64(part.body[: 2 * size]).content[:size]
    if encoding == "quoted-printable":
        return binascii.a2b_qp(part.body[: 3 * size])[:size]
    return part.body[:size]


def decode_base64(text: bytes) -> Decoded:
    """Decode base64 as leniently as RFC 2045 §6.8 asks: characters of no meaning are skipped, missing padding is made up for.

    Strictness here once lost all of Google's reports in another program. Where text that is not base64 follows clean lines, the banner of a
    mail gateway for instance, the clean lines alone count.
    """
    text = text.strip()
    padding = text.count(b"=")
    signs = len(text) - text.count(b"\n") - text.count(b"\r")
    try:
        content = binascii.a2b_base64(text)
    except binascii.Error:
        content = b""
    if signs % 4 == 0 and len(content) == signs // 4 * 3 - padding:
        return Decoded(content, junk=False)
    match = _BASE64_LINES.match(text)
    lines = match[0] if match is not None and match.end() else text
    clean = _NO_BASE64.sub(b"", lines.split(b"=", 1)[0])
    whole = len(clean) - (len(clean) % 4 == 1)
    return Decoded(binascii.a2b_base64(clean[:whole] + b"=" * (-whole % 4)), junk=True)
