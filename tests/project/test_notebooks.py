"""Each notebook stands twice, as .ipynb to open and as .py to review, and both say the same. `make notebooks` runs them."""

from __future__ import annotations

import jupytext

from tests.project.tree import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def _cells(path):
    return [(cell.cell_type, cell.source) for cell in jupytext.read(path).cells]


def test_every_notebook_equals_its_text():
    assert [path.name for path in NOTEBOOKS if _cells(path) != _cells(path.with_suffix(".py"))] == [], "run jupytext --sync on it"


def test_every_text_has_its_notebook():
    texts = {path.stem for path in (ROOT / "notebooks").glob("*.py")}
    assert texts == {path.stem for path in NOTEBOOKS}
