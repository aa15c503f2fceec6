"""Commands on a terminal of eighty columns: what they print is in a transcript; nothing is cut, or wider but what is to be copied."""

from __future__ import annotations

import pytest

from tests.start_up.eighty_columns import COLUMNS, TRANSCRIPT, WIDTH_ALONE, transcript

COPIED = ("$ ", "-- ")
"""Commands to be typed, and the comments of a question's SQL."""


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    return transcript(tmp_path_factory.mktemp("eighty"))


def test_the_transcript_is_what_is_printed(said):
    assert said.splitlines() == TRANSCRIPT.read_text(encoding="utf-8").splitlines(), (
        "read what changed, then `python -m tests.start_up.eighty_columns`"
    )


def test_nothing_is_cut_and_nothing_wider_than_the_terminal(said, tmp_path):
    said += transcript(tmp_path, WIDTH_ALONE)
    assert "…\n" not in said
    assert [line for line in said.splitlines() if len(line) > COLUMNS and not line.lstrip().startswith(COPIED)] == []
