"""Cutting a tar: the stretches are tars of their own, and together hold its members."""

from __future__ import annotations

import io
import random
import tarfile

import pytest

from pipeline.ingest.backfill import tar_chunks
from pipeline.ingest.backfill.chunk import Chunk
from tests.backfill.material import compressed, tar_of

LIKE = Chunk("", "t", "t", "t", digest="d")
MEMBERS = [
    (f"{'long' * 40 if number % 3 == 0 else 'short'}/{'ü' * (number % 2)}{number}", random.Random(number).randbytes(number * 2000))
    for number in range(20)
]


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(tar_chunks, "CHUNK_MESSAGES", 3)


def members(content: bytes) -> list[tuple[str, bytes]]:
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        return [(member.name.removeprefix("./"), tar.extractfile(member).read()) for member in tar]


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT], ids=["pax", "gnu"])
def test_a_plain_tar_is_cut_into_stretches_that_hold_its_members(tmp_path, form):
    (tmp_path / "a.tar").write_bytes(whole := tar_of(iter(MEMBERS), form=form))
    chunks = list(tar_chunks.cut_tar(tmp_path / "a.tar", LIKE))
    assert [chunk.messages for chunk in chunks] == [3] * 6 + [2]
    found = [each for chunk in chunks for each in members(whole[chunk.start : chunk.end])]
    assert found == MEMBERS


@pytest.mark.parametrize("suffix", [".gz", ".zst", ".bz2"])
def test_a_compressed_tar_is_cut_while_it_is_unpacked(tmp_path, suffix):
    (tmp_path / f"a.tar{suffix}").write_bytes(compressed(tar_of(iter(MEMBERS)), suffix))
    chunks = list(tar_chunks.cut_tar(tmp_path / f"a.tar{suffix}", LIKE))
    assert [each for chunk in chunks for each in members(chunk.content)] == MEMBERS
    assert len({chunk.digest for chunk in chunks}) == len(chunks) == 7


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_what_comes_before_the_end_of_a_cut_off_tar_is_found(tmp_path, suffix):
    whole = tar_of(iter(MEMBERS))
    torn = whole[: len(whole) // 2] if not suffix else compressed(whole, suffix)[:-4000]
    (tmp_path / f"a.tar{suffix}").write_bytes(torn)
    chunks = tar_chunks.cut_tar(tmp_path / f"a.tar{suffix}", LIKE)
    assert next(chunks).messages == 3
    with pytest.raises((tar_chunks.DamagedTarError, OSError)):
        list(chunks)


def test_a_member_of_many_megabytes_travels_only_in_part(tmp_path, monkeypatch):
    monkeypatch.setattr(tar_chunks, "_PASSED_ON_BYTES", 4096)
    some = [("a", b"1"), ("large", bytes(100_000)), ("b", b"2")]
    (tmp_path / "a.tar.gz").write_bytes(compressed(tar_of(iter(some)), ".gz"))
    chunks = list(tar_chunks.cut_tar(tmp_path / "a.tar.gz", LIKE))
    assert [chunk.messages for chunk in chunks] == [2, 1]
    assert sum(len(chunk.content) for chunk in chunks) < 20_000
    assert members(chunks[1].content) == [("b", b"2")]


def test_what_is_no_tar_is_said_to_be_none(tmp_path):
    (tmp_path / "a.tar").write_bytes(b"hello" * 500)
    with pytest.raises(tar_chunks.DamagedTarError):
        list(tar_chunks.cut_tar(tmp_path / "a.tar", LIKE))
