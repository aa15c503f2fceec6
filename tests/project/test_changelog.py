"""The changelog is kept: Keep a Changelog, an entry for the version, short lines."""

from __future__ import annotations

import re

from pipeline import __version__
from tests.project.tree import ROOT
from tests.some import some

TEXT = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
HEADINGS = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security", "Schema"}


def test_the_version_has_an_entry_or_is_the_one_being_made():
    released = re.findall(r"(?m)^## \[(\d+\.\d+\.\d+)\] - \d{4}-\d{2}-\d{2}$", TEXT)
    assert "## [Unreleased]" in TEXT
    assert __version__ in released or __version__ > max(released, default="0.0.0")


def test_the_headings_are_those_of_keep_a_changelog_and_schema():
    assert set(re.findall(r"(?m)^### (.+)$", TEXT)) <= HEADINGS


def test_an_entry_is_one_line_of_at_most_two_sentences():
    for entry in some(re.findall(r"(?m)^\* (.+)$", TEXT)):
        assert len(re.findall(r"[.!?] [A-Z`]", entry)) <= 1, entry
        assert len(entry) <= 300, entry
