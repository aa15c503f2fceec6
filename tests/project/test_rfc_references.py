"""Every section of an RFC that the project cites exists (`rfc_sections.toml`, made from the RFCs' own headings)."""

from __future__ import annotations

import re
import tomllib

from tests.project.tree import ROOT, texts

SECTIONS = {
    number: set(sections.split())
    for number, sections in tomllib.loads((ROOT / "tests/project/rfc_sections.toml").read_text(encoding="utf-8")).items()
}
_SECTION = r"(?:[A-Z]|\d+)(?:\.\d+)*"
CITATION = re.compile(rf"RFC (\d{{3,5}}) (?:§+ ?|Appendix |appendix )({_SECTION}(?:(?:, | and | to |–)§?{_SECTION}(?![\w%]))*)")


def _cited() -> list[tuple[str, str, str]]:
    """Every citation as (file, RFC, section)."""
    found = []
    for name, text in texts(".py", ".sql", ".md", ".toml").items():
        for number, sections in CITATION.findall(text):
            found += [(name, number, section) for section in re.findall(_SECTION, sections)]
    return found


def test_every_cited_section_exists():
    cited = _cited()
    assert len(cited) > 50
    missing = sorted({f"{name}: RFC {number} §{section}" for name, number, section in cited if section not in SECTIONS.get(number, ())})
    assert missing == [], "no such section; a further RFC needs its sections in tests/project/rfc_sections.toml"


def test_the_list_of_sections_knows_the_standard():
    assert "4.4" in SECTIONS["8460"]
    assert "4.6" not in SECTIONS["8460"]
    assert "B" in SECTIONS["8460"]
