"""The recipes of how-to/other-engines.md: the same sums without this program."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.project.tree import ROOT
from tests.query.small_lake import SETTINGS

SECTION = (ROOT / "pipeline" / "docs" / "how-to" / "other-engines.md").read_text(encoding="utf-8")
RECIPES = re.findall(r"```python\n(.*?)```", SECTION, re.DOTALL)


@pytest.fixture(scope="session")
def everything(lake_folder):
    """The sessions of every domain, which is what the recipes count, as this program counts them."""
    from pipeline.query import open_lake

    with open_lake(lake_folder, settings=SETTINGS.model_copy(update={"domains": type(SETTINGS.domains)()})) as lake:
        return lake.sql("select sum(authenticated) as good, sum(failed) as bad, sum(unprotected) as none from sessions").to_pylist()[0]


@pytest.mark.parametrize("recipe", RECIPES, ids=["polars", "pandas"])
def test_a_recipe_of_the_page_counts_as_the_program_does(recipe, lake_folder, everything, capfd):
    script = recipe.replace("/var/lib/tlsrpt/lake", str(lake_folder))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    numbers = {int(word.replace(",", "")) for word in re.findall(r"\d[\d,]*", done.stdout)}
    assert {int(value) for value in everything.values()} <= numbers, done.stdout


def test_duckdbs_own_program_reads_what_is_handed_over_and_says_what_it_means(tlsrpt, tmp_path):
    program = shutil.which("duckdb", path=str(Path(sys.executable).parent))
    assert program, "the duckdb program is missing beside Python; `make test` installs duckdb-cli"
    assert tlsrpt("export", tmp_path / "may.duckdb", "--since", "2026-04-30", "--until", "2026-05-10")[0] == 0

    def ask(sql):
        command = [program, "-readonly", "-csv", "-noheader", str(tmp_path / "may.duckdb"), sql]
        return subprocess.run(command, capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL).stdout.strip()

    assert ask("select sum(sessions), sum(failed) from sessions") == "368,20"
    assert "did not meet the policy" in ask("select comment from duckdb_columns() where table_name = 'sessions' and column_name = 'failed'")
