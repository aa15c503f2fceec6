"""Commands start quickly: nothing is imported that nobody asked for."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SAMPLE = Path(__file__).parents[2] / "data" / "sample" / "mails"
HELP_SECONDS = 0.15
AFTERWARDS = (
    "import sys; from pipeline.cli import main; code = main(sys.argv[1:]); print('pandas' in sys.modules, file=sys.stderr); sys.exit(code)"
)


def cpu_seconds(*arguments: str) -> float:
    """Return what a command costs, user and system."""
    null = (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)
    child = os.posix_spawn(sys.executable, [sys.executable, "-m", "pipeline.cli", *arguments], os.environ, file_actions=[null])
    _, status, usage = os.wait4(child, 0)
    assert status == 0
    return usage.ru_utime + usage.ru_stime


@pytest.mark.parametrize("arguments", [("--help",), ("--version",), ("ingest", "--help")])
def test_help_costs_next_to_nothing(arguments):
    assert min(cpu_seconds(*arguments) for _ in range(10)) < HELP_SECONDS


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    path = str(tmp_path_factory.mktemp("start") / "lake")
    done = subprocess.run(
        [sys.executable, "-m", "pipeline.cli", "--lake", path, "ingest", str(SAMPLE)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return path


@pytest.mark.parametrize(
    "command",
    ["ingest " + str(SAMPLE), "status", "schema", "rejects", "questions list", "maintain", "export out.duckdb"],
)
def test_no_command_imports_pandas_by_accident(command, lake, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", AFTERWARDS, "--lake", lake, *command.split()], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert (done.returncode, done.stderr.splitlines()[-1:]) == (0, ["False"]), done.stderr


def test_who_wants_a_frame_gets_one_all_the_same():
    program = (
        "import sys; from pipeline.tables.lazy_pandas import spare_pandas; spare_pandas()\n"
        "import pyarrow as pa; table = pa.table({'a': [1]})\n"
        "assert 'pandas' not in sys.modules; print(type(table.to_pandas()).__name__, len(sys.meta_path))"
    )
    plain = subprocess.run([sys.executable, "-c", "import sys; print(len(sys.meta_path))"], capture_output=True, text=True, check=True)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split()[0] == "DataFrame"
    assert int(done.stdout.split()[1]) <= int(plain.stdout) + 1  # six, which pandas brings, adds a finder of its own
