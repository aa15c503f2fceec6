"""Every decision is listed, has the parts of one, and is short enough to be read."""

from __future__ import annotations

import re

import pytest

from tests.project.tree import ROOT

FOLDER = ROOT / "pipeline" / "docs" / "decisions"
DECISIONS = sorted(FOLDER.glob("[0-9]*.md"))
PARTS = ("## Context", "## Options", "## Decision", "## Consequences", "## How we would notice that it was wrong")


def test_the_index_lists_every_decision_and_no_other():
    listed = re.findall(r"(?m)^\| \[(\d{4})\]\(([^)]+)\) \|", (FOLDER / "README.md").read_text(encoding="utf-8"))
    assert [name for _, name in listed] == [path.name for path in DECISIONS]
    assert all(name.startswith(f"{number}-") for number, name in listed)


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_has_its_parts_and_fits_on_a_page(path):
    text = path.read_text(encoding="utf-8")
    assert text.startswith(f"# {path.name[:4]} ")
    assert re.search(r"(?m)^Status: (accepted|replaced by \d{4})", text)
    assert [part for part in PARTS if f"\n{part}\n" not in text] == []
    assert 25 <= len(text.splitlines()) <= 100
