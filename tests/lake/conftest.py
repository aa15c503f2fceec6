"""A lake that has the batches of `scenarios` in it, made once and copied."""

from __future__ import annotations

from shutil import copytree

import pytest

from tests.lake.crashes import crash_server
from tests.lake.scenarios import ingest


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
