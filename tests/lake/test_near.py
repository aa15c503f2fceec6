"""Whoever reads a lake that is not there is refused, with the one that was probably meant."""

from __future__ import annotations

import pytest

from pipeline.errors import InputError
from pipeline.lake.storage.locate import locate
from pipeline.lake.storage.near import nearest, refuse_missing


def lake(folder):
    (folder / "messages" / "_delta_log").mkdir(parents=True)
    return folder


@pytest.mark.parametrize("typed", ["lakes/maine", "lakes/main/messages/x", "lake/main", "lakes"])
def test_the_nearest_lake_is_named(tmp_path, typed):
    lake(tmp_path / "lakes" / "main")
    lake(tmp_path / "lakes" / "test-2019")
    (tmp_path / "lakes" / "notes.txt").write_text("x")
    with pytest.raises(InputError, match=rf"{tmp_path}/{typed}\b.*the nearest lake is {tmp_path}/lakes/main;"):
        refuse_missing(locate(tmp_path / typed))
    assert not (tmp_path / typed).exists() or typed == "lakes"


def test_where_there_is_none_nearby_that_is_said(tmp_path):
    with pytest.raises(InputError, match="no lake was found nearby"):
        refuse_missing(locate(tmp_path / "lake"))


def test_the_configured_lake_is_named_too(tmp_path):
    (tmp_path / "a").mkdir()
    made = lake(tmp_path / "far" / "away" / "down" / "below" / "lake")
    assert nearest(locate(tmp_path / "a" / "lake"), also=str(made)) == str(made)


@pytest.mark.parametrize("names", [(), ("_lock",), ("_notes", ".snapshot"), ("messages", "reports")])
def test_an_empty_lake_is_one(tmp_path, names):
    for name in names:
        (tmp_path / name).mkdir()
    refuse_missing(locate(tmp_path))
