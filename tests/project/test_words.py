"""What users read holds to the table of words in the glossary, in plain English, with domain names as they are written."""

from __future__ import annotations

import ast
import re
from functools import cache

import pytest

from tests.project.tree import ROOT
from tests.some import some

GLOSSARY = "pipeline/docs/reference/glossary.md"
TRANSCRIPTS = ("tests/insight/surfaces.txt", "tests/notify/ninety-days.txt")
"""What commands, page and notices really said."""


def banned() -> dict[str, str]:
    table = (ROOT / GLOSSARY).read_text(encoding="utf-8").partition("| not | but |")[2]
    rows = re.findall(r"(?m)^\| ([^|]+) \| ([^|]+) \|$", table)
    assert len(rows) == len({phrase.lower() for phrase, _ in rows}) > 30, "each phrase once, with its replacement"
    return dict(rows)


@cache
def said() -> list[tuple[str, str]]:
    """Every text of ours that somebody may read: strings of the program, headings of questions, documents, transcripts."""
    texts = []
    for folder in ("pipeline", "dashboard"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            texts += [(f"{path.relative_to(ROOT)}:{line}", text) for line, text in _strings(path.read_text(encoding="utf-8"))]
    for path in sorted((ROOT / "pipeline/query/sql").glob("*.sql")):
        comments = (line[3:] for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("-- "))
        texts.append((str(path.relative_to(ROOT)), "\n".join(comments)))
    documents = [ROOT / "README.md", *(path for path in sorted((ROOT / "pipeline/docs").rglob("*.md")) if "decisions" not in path.parts)]
    texts += [(str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")) for path in documents if not path.match(GLOSSARY)]
    return texts + [(name, (ROOT / name).read_text(encoding="utf-8")) for name in TRANSCRIPTS]


def _strings(source: str):
    tree = ast.parse(source)
    documentation = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            yield node.lineno, node.value


def found(pattern: str, texts=None) -> list[str]:
    wanted = re.compile(pattern, re.IGNORECASE)
    return [
        f"{place}: …{text[max(0, hit.start() - 30) : hit.end() + 30]}…" for place, text in texts or said() for hit in wanted.finditer(text)
    ]


@pytest.mark.parametrize(("phrase", "instead"), banned().items())
def test_nothing_says_it_otherwise_than_the_glossary(phrase, instead):
    spaced = re.escape(phrase).replace(r"\ ", r"\s+")
    assert found(rf"(?<![\w,.]){spaced}(?!\w)") == [], f"say: {instead}"


def test_a_domain_name_takes_no_capital():
    texts = [(name, text) for name, text in said() if name in TRANSCRIPTS]
    capital = re.compile(r"(?<![\w.@/=])[A-Z][\w-]*\.(?:com|org|net|example)\b")
    assert [hit[0] for _, text in some(texts) for hit in capital.finditer(text)] == []
