"""A lake that has the batches of `scenarios` in it, made once and copied."""

from __future__ import annotations

from shutil import copytree

import pytest

from pipeline.lake.dedup import hash_files
from tests.lake.crashes import crash_server
from tests.lake.scenarios import ingest


@pytest.fixture(scope="package", autouse=True)
def large_files():
    """Every data file counts as large: what is known is asked of hash files, as in a lake of millions."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hash_files, "LARGE_ROWS", 1)
        yield


@pytest.fixture(scope="session")
def server():
    """The process that forks children to be killed."""
    with crash_server() as server:
        yield server


@pytest.fixture(scope="session")
def ingested(tmp_path_factory):
    """A lake with everything ingested; not to be written to."""
    root = tmp_path_factory.mktemp("ingested") / "lake"
    ingest(root)
    return root


@pytest.fixture
def lake(ingested, tmp_path):
    """A copy of it to work on."""
    return copytree(ingested, tmp_path / "lake")
