"""The table of public cases names tests that are there."""

from __future__ import annotations

import re

from tests.project.tree import ROOT

NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def test_every_case_has_its_test():
    lines = [line for line in (ROOT / "tests" / "cases.md").read_text().splitlines() if line.startswith("| ")][1:]
    assert len(lines) >= 20
    for line in lines:
        (path, name) = NAMED.search(line).groups()
        assert re.search(rf"^ *(?:def|class) {name}\b", (ROOT / path).read_text(), re.MULTILINE), line
