"""Objects below a prefix of a bucket, as a source: listed page by page, read by the workers from the storage itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

import obstore

from pipeline.errors import InputError
from pipeline.ingest.backfill.byte_windows import ForwardStream
from pipeline.ingest.backfill.chunk import OBJECTS, Chunk
from pipeline.ingest.backfill.listing import LARGE_BYTES, Cutter, Listed, as_far_as_it_goes
from pipeline.ingest.backfill.mbox_chunks import unstored
from pipeline.ingest.backfill.tar_chunks import compression_of, is_tar, unpacked
from pipeline.ingest.bucket_access import bucket_errors, open_bucket
from pipeline.mailbox.sniff import HEAD_BYTES, FileKind, kind_by_content, kind_by_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from obstore.store import S3Store

    from pipeline.mailbox.mail_files import FileImport

_PAGE = 1000


def list_bucket(address: str, walker: FileImport) -> Iterator[Chunk]:
    """Yield the chunks of what lies below a prefix, or of one object.

    Raises:
        TlsrptError: It cannot be listed.
        InputError: There is nothing.
    """
    with bucket_errors(address):
        bucket, prefix = open_bucket(address)
        cutter = Cutter(Chunk(OBJECTS, address, address))
        found = 0
        for name, size, stamp in _objects(bucket, prefix):
            found += 1
            if any(part.startswith(".") for part in name.split("/")):
                walker.skipped += 1
                continue
            stream = _streamed(bucket, prefix, name, size)
            if stream is None:
                yield from cutter.add(Listed(name, size, stamp))
                continue
            yield from cutter.rest()
            like = Chunk("", address, address, name or prefix.rpartition("/")[2], digest=f"{address} {name} {size} {stamp}")
            stretches = unpacked(stream, compression_of(like.name), like) if is_tar(like.name) else unstored(stream, like)
            yield from as_far_as_it_goes(stretches, f"{address}/{like.name}", walker)
        yield from cutter.rest()
    if not found:
        raise InputError(f"nothing found under {address}; name s3://bucket/prefix")


def key_of(prefix: str, name: str) -> str:
    """Return the key of an object by its name below a prefix."""
    return f"{prefix.rstrip('/')}/{name}".lstrip("/") if name else prefix


def _objects(bucket: S3Store, prefix: str) -> Iterator[tuple[str, int, str]]:
    """Yield name, size and state of the objects below a prefix in the order of their keys, or of the one object of that key."""
    below = prefix.rstrip("/") + "/" if prefix else ""
    any_below = False
    for page in obstore.list(bucket, below or None, chunk_size=_PAGE):
        for each in page:
            any_below = True
            yield each["path"][len(below) :], each["size"], f"{each['last_modified']:%s} {each['e_tag'] or ''}"
    if not any_below and prefix:
        try:
            head = obstore.head(bucket, prefix)
        except FileNotFoundError:
            return
        yield "", head["size"], f"{head['last_modified']:%s} {head['e_tag'] or ''}"


def _streamed(bucket: S3Store, prefix: str, name: str, size: int) -> BinaryIO | None:
    """Open what is read from its beginning to its end by the driver: a tar, or a large mbox."""
    key = key_of(prefix, name)
    if is_tar(key) or (size > LARGE_BYTES and _is_mbox(bucket, key)):
        return ForwardStream.of(obstore.open_reader(bucket, key, buffer_size=4 << 20))
    return None


def _is_mbox(bucket: S3Store, key: str) -> bool:
    if kind_by_name(key) not in (None, FileKind.MBOX, FileKind.MAIL):
        return False
    return kind_by_content(bytes(obstore.get_range(bucket, key, start=0, length=HEAD_BYTES))) is FileKind.MBOX
