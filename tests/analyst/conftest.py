"""The small lake that can be checked by eye, and its configuration as a file."""

from __future__ import annotations

import pytest

from pipeline.cli import main
from tests.kept import engines_kept
from tests.query.conftest import empty_lake, lake, lake_folder

__all__ = ["empty_lake", "lake", "lake_folder"]

CONFIGURATION = """
[domains]
own = ["example.org", "example.net"]
mx = ["mx1.example.org", "mx2.example.org"]

[trust]
dkim = "verify"

[lake]
path = "{lake}"
"""


@pytest.fixture(scope="module", autouse=True)
def kept():
    with engines_kept():
        yield


@pytest.fixture
def configuration(tmp_path, lake_folder):
    """A configuration file for the small lake."""
    path = tmp_path / "tlsrpt.toml"
    path.write_text(CONFIGURATION.format(lake=lake_folder))
    return path


@pytest.fixture
def tlsrpt(configuration, capsysbinary):
    """Run the command line; returns the exit code, standard output and standard error."""

    def run(*arguments):
        code = main(["--config", str(configuration), *map(str, arguments)])
        said = capsysbinary.readouterr()
        return code, said.out, said.err.decode()

    return run
