"""Archives for the tests: the same messages in every container, some of them twice, in conflict, broken, or none of ours."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import tarfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from tests.lake.content import rows
from tests.report_mails import NOT_A_REPORT, UNREADABLE, document, mail

if TYPE_CHECKING:
    from collections.abc import Iterator

OF_THE_RUN = {"batch", "run_id", "ingested_at", "received_at", "changed_at"}
OF_THE_PLACE = {"folder", "item", "attachment_name", "media_type", "container"}


def packed(number: int, **kinds: Any) -> bytes:
    """Report `number` as a gzipped file."""
    return gzip.compress(json.dumps(document(number, **kinds)).encode(), mtime=0)


def zipped(number: int) -> bytes:
    """Report `number` in a zip."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr(zipfile.ZipInfo("report.json", (2026, 3, 1, 0, 0, 0)), json.dumps(document(number)))
    return whole.getvalue()


def messages(count: int = 60) -> Iterator[tuple[str, bytes]]:
    """Names and bytes: reports of all forms, and among them what every archive has."""
    for number in range(count):
        day = f"2026/{number % 3:02}"
        kind = number % 5
        if kind == 0:
            yield f"{day}/{number:05}.eml", mail(number, bad=number % 7)
        elif kind == 1:
            yield f"{day}/{number:05}.json", json.dumps(document(number, bad=2)).encode()
        elif kind == 2:
            yield f"{day}/{number:05}.zip", zipped(number)
        else:
            yield f"{day}/{number:05}.json.gz", packed(number)
    yield "again/copy.json.gz", packed(3)  # the same bytes
    yield "again/same.json", json.dumps(document(4), indent=2).encode()  # the same report in other bytes
    yield "again/as-mail.eml", mail(8)
    yield "conflict/lie.json.gz", packed(9, good=12345)
    yield "conflict/lie-of-a-mail.eml", mail(10, good=777)
    yield "odd/broken.eml", UNREADABLE
    yield "odd/lunch.eml", NOT_A_REPORT
    yield "odd/notes.txt", b"nothing to see"
    yield "odd/empty.json.gz", b""


def write_folder(root: Path, some: Iterator[tuple[str, bytes]]) -> Path:
    """Write files into a folder."""
    for name, content in some:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


def tar_of(some: Iterator[tuple[str, bytes]], *, form: int = tarfile.PAX_FORMAT) -> bytes:
    """A tar, as a program writes it from a folder."""
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w", format=form) as archive:
        for name, content in some:
            member = tarfile.TarInfo(f"./{name}")
            member.size = len(content)
            member.mtime = 1234567890.5
            archive.addfile(member, io.BytesIO(content))
    return whole.getvalue()


def mbox_of(mails: Iterator[bytes]) -> bytes:
    """An mbox (RFC 4155) of mails."""
    return b"".join(b"From x Mon Mar  2 03:00:00 2026\n" + mail.replace(b"\r\n", b"\n") + b"\n" for mail in mails)


def compressed(content: bytes, suffix: str) -> bytes:
    """The bytes of a tar as `tar` compresses them for a name with that suffix."""
    if suffix == ".bz2":
        return bz2.compress(content)
    if suffix == ".zst":
        return pa.Codec("zstd").compress(content, asbytes=True)
    return gzip.compress(content) if suffix else content


def content(lake: Path | str, *, without: set[str] = frozenset()) -> dict[str, list[str]]:
    """All rows of a lake as sorted text, without what differs from run to run."""
    out = OF_THE_RUN | without
    names = ("messages", "raw", "reports", "policies", "failures", "superseded")
    return {name: sorted(repr({k: v for k, v in row.items() if k not in out}) for row in rows(lake, name)) for name in names}


def ledger(lake: Path | str) -> dict[str, dict[str, Any]]:
    """The rows of the ledger by what the file is called there."""
    return {row["item"]: row for row in rows(lake, "messages")}
