"""Containers are told by their first bytes and inflated within bounds."""

from __future__ import annotations

import gzip
import io
import tracemalloc
import zipfile
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.report.mime.inflate import container_of, gunzip, inflated_head, unzip
from pipeline.report.parse_notes import Refusal


def zipped(content: bytes, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr("report.json", content)
    return file.getvalue()


def outcome(read, content: bytes) -> bytes | str:
    """Return what was in a container, or the code with which it is refused."""
    try:
        return read(content, 1000).content
    except Refusal as refusal:
        return refusal.code


@pytest.mark.parametrize(
    ("content", "container"),
    [
        (b"\x1f\x8b\x08", "gzip"),
        (b"PK\x03\x04", "zip"),
        (b"{}", "json"),
        (b"\xef\xbb\xbf \r\n{", "json"),
        (b"<?xml", None),
        (b"[]", None),
        (b"", None),
        (b"PK\x05\x06", None),
        (b" " * 5000 + b"{", None),
    ],
)
def test_a_container_is_told_by_its_first_bytes(content, container):
    assert container_of(content) == container


@given(st.binary(max_size=5000), st.integers(0, 9))
def test_gunzip_undoes_gzip(content, level):
    assert gunzip(gzip.compress(content, level), 5000) == (content, None)


@given(st.binary(max_size=5000), st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]))
def test_unzip_undoes_zip(content, method):
    assert unzip(zipped(content, method), 5000) == (content, "zip_container")


def test_the_limit_is_exact():
    packed = gzip.compress(bytes(1000))
    assert len(gunzip(packed, 1000).content) == 1000
    for content, read in ((packed, gunzip), (zipped(bytes(1000)), unzip), (zipped(bytes(1000), zipfile.ZIP_STORED), unzip)):
        with pytest.raises(Refusal, match="larger than 999 bytes"):
            read(content, 999)


def test_a_bomb_costs_the_limit_and_no_more():
    bomb = gzip.compress(bytes(100_000_000))
    tracemalloc.start()
    try:
        with pytest.raises(Refusal, match="larger"):
            gunzip(bomb, 1_000_000)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


def test_nul_bytes_may_follow_a_member_and_nothing_else():
    packed = gzip.compress(b"x")
    assert gunzip(packed + bytes(512), 10).quirk == "trailing_nul"
    for rest in (b"x", packed, bytes(9) + b"x", b"\r\n"):
        with pytest.raises(Refusal) as caught:
            gunzip(packed + rest, 10)
        assert caught.value.code == "gzip_multi_member"


@given(st.binary(max_size=300), st.data())
def test_a_damaged_container_is_refused_or_gives_what_was_packed(content, data):
    """Both carry a checksum over what was packed."""
    for packed, read in ((gzip.compress(content, mtime=0), gunzip), (zipped(content), unzip)):
        at = data.draw(st.integers(0, len(packed) - 1))
        spoiled = packed[:at] + bytes([data.draw(st.integers(0, 255))]) + packed[at + 1 :]
        for case in (spoiled, packed[:at], spoiled + spoiled):
            assert outcome(read, case) in {content, "gzip_corrupt", "gzip_multi_member", "zip_refused", "gzip_too_large"}


@given(st.binary(max_size=200).map(lambda noise: b"PK\x03\x04" + noise) | st.binary(max_size=200))
def test_no_bytes_make_a_container_raise_anything_else(content):
    for read in (gunzip, unzip):
        found = outcome(read, content)
        assert isinstance(found, bytes) or found.startswith(("gzip_", "zip_"))
    for container in ("gzip", "zip", "json"):
        assert isinstance(inflated_head(content, container), bytes)


def test_a_zip_may_not_say_less_than_it_holds():
    """Sizes in the directory are the sender's word; the bytes count."""
    packed = bytearray(zipped(b"x" * 1000))
    at = packed.index(b"PK\x01\x02")
    packed[at + 24 : at + 28] = (5).to_bytes(4, "little")
    assert unzip(bytes(packed), 1000).content == b"x" * 1000
    with pytest.raises(Refusal):
        unzip(bytes(packed), 999)


def test_a_zip_whose_checksum_is_wrong_is_refused():
    packed = zipped(b"x" * 100, zipfile.ZIP_STORED)
    with pytest.raises(Refusal, match="checksum"):
        unzip(packed.replace(b"xxxx", b"xxxy", 1), 1000)


def test_a_member_that_claims_more_than_the_archive_is_refused():
    packed = bytearray(zipped(b"x" * 1000))
    at = packed.index(b"PK\x01\x02")
    packed[at + 20 : at + 24] = (2**32 - 1).to_bytes(4, "little")
    with pytest.raises(Refusal, match="cut off"):
        unzip(bytes(packed), 5000)


def test_raw_deflate_is_no_container():
    assert container_of(zlib.compress(b"{}")) is None
