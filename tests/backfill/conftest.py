from __future__ import annotations

import pytest

from pipeline.config import load_settings
from pipeline.ingest.backfill import batch, listing
from pipeline.ingest.backfill.bulk_import import BulkOptions, backfill
from pipeline.ingest.options import RunOptions
from pipeline.ingest.run import ingest
from tests.backfill.material import messages, write_folder
from tests.forks import forks


@pytest.fixture(scope="session")
def tlsrpt():
    with forks() as running:
        yield running


@pytest.fixture(scope="session")
def archive(tmp_path_factory):
    """A folder of everything; not to be written to."""
    return write_folder(tmp_path_factory.mktemp("archive"), messages())


@pytest.fixture(scope="session")
def by_ingest(archive, tmp_path_factory):
    """A lake with that folder in it, by way of `ingest`, and what it said."""
    lake = tmp_path_factory.mktemp("ingested") / "lake"
    outcome = ingest(load_settings(None, lake=str(lake)), RunOptions(paths=(str(archive),), workers=0))
    return lake, outcome.tally


@pytest.fixture
def small(monkeypatch):
    """Small chunks and batches, so that a few files make many."""
    monkeypatch.setattr(listing, "CHUNK_MESSAGES", 8)
    monkeypatch.setattr(batch, "MESSAGES", 20)


@pytest.fixture
def take_in(tmp_path):
    """Takes archives into a lake of the test; returns how it ended."""

    def run(*sources, lake=tmp_path / "lake", stop=None, **options):
        words = tuple(str(source) for source in sources)
        return backfill(load_settings(None, lake=str(lake)), BulkOptions(words, **{"workers": 1, **options}), stop)

    return run
