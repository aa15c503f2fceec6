"""One small lake for all tests of this folder: nobody writes to it."""

from __future__ import annotations

import pytest

from pipeline.query import Lake, open_lake
from tests.query import small_lake


@pytest.fixture(scope="session")
def lake_folder(tmp_path_factory):
    return small_lake.build(tmp_path_factory.mktemp("small") / "lake")


@pytest.fixture(scope="session")
def lake(lake_folder) -> Lake:
    with open_lake(lake_folder, settings=small_lake.SETTINGS) as opened:
        yield opened


@pytest.fixture(scope="session")
def empty_lake(tmp_path_factory) -> Lake:
    with open_lake(tmp_path_factory.mktemp("empty"), settings=small_lake.SETTINGS) as opened:
        yield opened
