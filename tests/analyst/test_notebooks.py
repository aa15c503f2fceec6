"""The notebooks: paired, stripped, without SQL that has a name, and useful on a lake without a report; `make notebooks` runs them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import jupytext
import pytest

from pipeline.query.catalogue import load_questions
from tests.project.tree import ROOT
from tests.some import some

FOLDER = ROOT / "notebooks"
NAMES = sorted(path.stem for path in FOLDER.glob("*.py"))
PROMISED = {"tour", "triage", "enforce", "reporters", "policies", "capacity"}


def test_every_promised_notebook_is_there_in_both_forms():
    assert set(NAMES) >= PROMISED
    assert sorted(path.stem for path in FOLDER.glob("*.ipynb")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_two_forms_of_a_notebook_are_one(name):
    source, paired = jupytext.read(FOLDER / f"{name}.py"), jupytext.read(FOLDER / f"{name}.ipynb")
    assert [(cell.cell_type, cell.source) for cell in source.cells] == [(cell.cell_type, cell.source) for cell in paired.cells]


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_carries_no_output_and_begins_with_its_title(name):
    cells = json.loads((FOLDER / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert [cell for cell in code if cell["outputs"] or cell["execution_count"]] == []
    assert cells[0]["cell_type"] == "markdown"
    assert cells[0]["source"][0].startswith("# ")


def words(sql):
    return re.sub(r"\s+", " ", re.sub(r"--[^\n]*", "", sql)).strip(" ;").lower()


def test_no_sql_of_a_notebook_has_a_name_already():
    """Long runs of the same words would be a copy."""
    written = "".join((FOLDER / f"{name}.py").read_text(encoding="utf-8") for name in NAMES)
    named = [(question.name, words(question.sql)) for question in some(load_questions().values())]
    for sql in some(map(words, re.findall(r'lake\.sql\(\s*"{1,3}(.*?)"{1,3}[,)]', written, re.DOTALL))):
        pieces = [sql[at : at + 90] for at in range(0, max(1, len(sql) - 90), 30)]
        assert [(name, piece) for piece in some(pieces) for name, text in named if piece in text] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_says_what_it_can_on_a_lake_without_a_report(name, tmp_path):
    (tmp_path / "lake").mkdir()
    (tmp_path / "tlsrpt.toml").write_text(f'[lake]\npath = "{tmp_path}/lake"\n')
    surroundings = {**os.environ, "TLSRPT_CONFIG": str(tmp_path / "tlsrpt.toml"), "MPLBACKEND": "agg"}
    command = [sys.executable, FOLDER / f"{name}.py"]
    done = subprocess.run(command, cwd=FOLDER, env=surroundings, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
