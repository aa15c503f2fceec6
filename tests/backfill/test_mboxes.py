"""Cutting an mbox: the stretches hold the same mails with the same numbers as the whole."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ingest.backfill import mbox_chunks
from pipeline.mailbox.mbox import read_mbox

LINES = st.sampled_from(
    [
        b"From x Mon Mar  2 03:00:00 2026\n",
        b"From x Mon Mar  2 03:00:00 2026\r\n",
        b"From us to you\n",
        b">From x Mon Mar  2 03:00:00 2026\n",
        b"\n",
        b"\r\n",
        b"Subject: x\n",
        b"a\r\n",
        b"\r",
        b"no end",
        b"x" * 2000 + b"\n",
    ]
)


@pytest.fixture(scope="module", autouse=True)
def small():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mbox_chunks, "CHUNK_MESSAGES", 2)
        patch.setattr(mbox_chunks, "_BLOCK", 37)
        yield


@given(st.lists(LINES, max_size=40))
def test_the_stretches_of_an_mbox_hold_its_mails_under_their_numbers(lines):
    whole = b"From x Mon Mar  2 03:00:00 2026\n" + b"".join(lines)
    expected = [(mail.number, mail.content) for mail in read_mbox(io.BytesIO(whole), limit=10**6)]
    found, place = [], 0
    for stretch in mbox_chunks.stretches(io.BytesIO(whole)):
        assert stretch.start == place
        place = stretch.end
        mails = list(read_mbox(io.BytesIO(whole[stretch.start : stretch.end]), limit=10**6))
        assert len(mails) == stretch.mails
        found += [(stretch.first + mail.number - 1, mail.content) for mail in mails]
    assert place == len(whole)
    assert found == expected


def test_a_stream_gives_the_same_stretches_with_their_bytes():
    whole = b"".join(b"From x Mon Mar  2 03:00:00 2026\n\nmail %d\n\n" % number for number in range(7))
    chunks = list(mbox_chunks.unstored(io.BytesIO(whole), mbox_chunks.Chunk("", "m", "m", "m", digest="d")))
    assert b"".join(chunk.content for chunk in chunks) == whole
    assert [chunk.first for chunk in chunks] == [1, 3, 5, 7]
