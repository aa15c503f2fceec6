"""Containers: gzip, zip with one member, or plain JSON, told by the first bytes, whatever name and media type say (RFC 8460 §5.2, §5.3).

Inflating is bounded: a bomb costs the limit and no more. Nothing here believes a size that a sender wrote.
"""

from __future__ import annotations

import re
import struct
import zlib
from typing import TYPE_CHECKING, Literal, NamedTuple

from pipeline.report.parse_notes import Refusal

if TYPE_CHECKING:
    from pipeline.report.limits import Limits

Container = Literal["json", "gzip", "zip"]

_GZIP = b"\x1f\x8b"
_ZIP = b"PK\x03\x04"
_BOM = b"\xef\xbb\xbf"
_BLANK = b" \t\r\n"
_HEAD_BYTES = 4096

_ZIP_END = struct.Struct("<4s4H2LH")
_ZIP_ENTRY = struct.Struct("<4s4B4HL2L5H2L")
_ZIP_LOCAL = struct.Struct("<4s2B4HL2L2H")
_ENCRYPTED = 0x1
_STORED, _DEFLATED = 0, 8


class Unpacked(NamedTuple):
    """The bytes of a container."""

    content: bytes
    quirk: str | None


_OBJECT_OR_ARRAY = re.compile(rb"\{|\[[ \t\r\n]*\{")


def container_of(content: bytes) -> Container | None:
    """Tell a container by its first bytes; None for what is none of the three."""
    if content.startswith(_GZIP):
        return "gzip"
    if content.startswith(_ZIP):
        return "zip"
    head = content[:_HEAD_BYTES].removeprefix(_BOM).lstrip(_BLANK)
    return "json" if _OBJECT_OR_ARRAY.match(head) else None


def unpack(content: bytes, container: Container, limits: Limits) -> Unpacked:
    """Return the bytes in a container.

    Args:
        content: The bytes of the container.
        container: What `container_of` said.
        limits: Bytes of the attachment and of the JSON text.

    Raises:
        Refusal: It is damaged, has more in it than one report, or is larger than the limits.
    """
    if container == "json":
        if len(content) > limits.json_bytes:
            raise Refusal("limits_exceeded", f"the JSON text has {len(content):,} bytes, the limit is {limits.json_bytes:,}")
        return Unpacked(content, None)
    if len(content) > limits.attachment_bytes:
        code = "gzip_too_large" if container == "gzip" else "zip_refused"
        raise Refusal(code, f"the compressed report has {len(content):,} bytes, the limit is {limits.attachment_bytes:,}")
    return gunzip(content, limits.json_bytes) if container == "gzip" else unzip(content, limits.json_bytes)


def gunzip(content: bytes, limit: int) -> Unpacked:
    """Inflate one gzip member of at most `limit` bytes (RFC 1952). NUL bytes may follow it (`trailing_nul`), nothing else.

    Raises:
        Refusal: It is damaged or cut off, too large, or something else follows it.
    """
    inflater = zlib.decompressobj(wbits=31)
    try:
        # never 0, which would mean without limit
        inflated = inflater.decompress(content, limit + 1)
    except zlib.error as err:
        raise Refusal("gzip_corrupt", f"the gzip stream is damaged: {err}") from err
    if len(inflated) > limit:
        raise Refusal("gzip_too_large", f"the report is larger than {limit:,} bytes when inflated")
    if not inflater.eof:
        raise Refusal("gzip_corrupt", f"the gzip stream is cut off after {len(content):,} bytes")
    rest = inflater.unused_data
    if not rest:
        return Unpacked(inflated, None)
    if rest.strip(b"\0"):
        raise Refusal("gzip_multi_member", f"{len(rest):,} bytes follow the gzip member")
    return Unpacked(inflated, "trailing_nul")


def unzip(content: bytes, limit: int) -> Unpacked:
    """Inflate the only member of a zip archive, at most `limit` bytes (seen: senders of DMARC reports; `zip_container`).

    Only the directory at the end counts; of the sizes it claims none is believed. Zip64, encryption and other methods are refused.

    Raises:
        Refusal: It is damaged, too large, or not an archive of one member that can be read here.
    """
    try:
        packed, method, checksum = _only_member(content)
        if method == _STORED:
            inflated = packed
        elif method == _DEFLATED:
            inflated = _inflate_raw(packed, limit)
        else:
            raise Refusal("zip_refused", f"the zip member is packed with method {method}, which is not deflate")
    except (struct.error, zlib.error) as err:
        raise Refusal("zip_refused", f"the zip archive is damaged: {err}") from err
    if len(inflated) > limit:
        raise Refusal("zip_refused", f"the report is larger than {limit:,} bytes when inflated")
    if zlib.crc32(inflated) != checksum:
        raise Refusal("zip_refused", "the checksum of the zip member is wrong")
    return Unpacked(inflated, "zip_container")


def _only_member(content: bytes) -> tuple[bytes, int, int]:
    """Return packed bytes, method and CRC-32 of the only member."""
    at = content.rfind(b"PK\x05\x06", max(0, len(content) - _ZIP_END.size - 0xFFFF))
    if at < 0:
        raise Refusal("zip_refused", "the zip archive has no directory")
    _, disk, first_disk, here, members, _, directory, _ = _ZIP_END.unpack_from(content, at)
    if disk or first_disk or here != 1 or members != 1:
        raise Refusal("zip_refused", f"the zip archive has {members} members instead of one")
    entry = _ZIP_ENTRY.unpack_from(content, directory)
    flags, method, checksum, packed_size, local = entry[5], entry[6], entry[9], entry[10], entry[18]
    if entry[0] != b"PK\x01\x02" or content[local : local + 4] != _ZIP:
        raise Refusal("zip_refused", "the directory of the zip archive is damaged")
    if flags & _ENCRYPTED:
        raise Refusal("zip_refused", "the zip archive is encrypted")
    header = _ZIP_LOCAL.unpack_from(content, local)
    start = local + _ZIP_LOCAL.size + header[-2] + header[-1]
    packed = content[start : start + packed_size]
    if len(packed) != packed_size:
        raise Refusal("zip_refused", "the zip archive is cut off")
    return packed, method, checksum


def _inflate_raw(packed: bytes, limit: int) -> bytes:
    inflater = zlib.decompressobj(wbits=-15)
    inflated = inflater.decompress(packed, limit + 1)
    if len(inflated) <= limit and not inflater.eof:
        raise Refusal("zip_refused", "the zip member is cut off")
    return inflated


def inflated_head(content: bytes, container: Container) -> bytes:
    """Return the first few kilobytes in a container, as far as they can be read: enough to tell what it is. Empty where not."""
    if container == "json":
        return content[:_HEAD_BYTES]
    if container == "gzip":
        inflater, packed = zlib.decompressobj(wbits=31), content
    else:
        inflater, packed = zlib.decompressobj(wbits=-15), _first_member(content)
    try:
        return inflater.decompress(packed[: 4 * _HEAD_BYTES], _HEAD_BYTES)
    except zlib.error:
        return b""


def _first_member(content: bytes) -> bytes:
    try:
        header = _ZIP_LOCAL.unpack_from(content)
    except struct.error:
        return b""
    return content[_ZIP_LOCAL.size + header[-2] + header[-1] :]
