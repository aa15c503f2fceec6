"""README and documentation are complete and fresh; what they link to is there, and what they show parses."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import pytest

from pipeline.cli import COMMANDS, build_parser
from pipeline.config import Settings
from pipeline.groups import GroupSettings
from pipeline.insight.detect.causes import CAUSES
from pipeline.query.catalogue import load_questions
from pipeline.query.describe import GRAINS
from pipeline.report.limits import Limits
from pipeline.report.quirks import QUIRKS, REJECT_CODES
from pipeline.report.result_types import RESULT_TYPES
from pipeline.settings.mailbox_tables import MailboxSettings
from pipeline.settings.single_tables import DashboardSettings
from pipeline.tables.schema import TABLES
from tests.project.readme import BLOCK, BLOCKS, pages
from tests.project.readme import fresh as made_anew
from tests.project.settings_reference import settings_of
from tests.project.tree import ROOT, texts
from tests.some import some

PAGES = {name: path.read_text(encoding="utf-8") for name, path in pages().items()}
TEXT = PAGES["README.md"]
WHOLE = "\n".join(PAGES.values())
GAUGES = re.findall(r'gauge\(\s*"([a-z_]+)"', (ROOT / "pipeline" / "notify" / "metrics.py").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", sorted(PAGES))
def test_the_generated_parts_are_fresh(name):
    assert made_anew(PAGES[name]) == PAGES[name], f"{name} is older than the code it is made from: run `make docs`"


def test_every_generated_part_is_somewhere_once():
    assert sorted(match["name"] for match in BLOCK.finditer(WHOLE)) == sorted(BLOCKS)


def test_the_readme_is_short():
    assert len(TEXT.splitlines()) <= 200, "write it into a page of pipeline/docs instead (its README.md lists them)"


def _slugs(text: str) -> set[str]:
    return {re.sub(r"[^\w\- ]", "", head).strip().lower().replace(" ", "-") for head in re.findall(r"(?m)^#+ (.+)$", text)}


@pytest.mark.parametrize("name", sorted(texts(".md")))
def test_every_relative_link_leads_somewhere(name):
    text = texts(".md")[name]
    targets = re.findall(r"\]\((?!https?:|mailto:)([^)\s]+)[^)]*\)", text) + re.findall(r'src(?:set)?="([^"]+)"', text)
    broken = []
    for target in targets:
        file, _, anchor = target.partition("#")
        place = (ROOT / name).parent / file if file else ROOT / name
        if not place.exists() or (anchor and anchor not in _slugs(place.read_text(encoding="utf-8"))):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("name", sorted(name for name in PAGES if "docs/" in name))
def test_every_page_is_in_the_list_of_pages(name):
    index = "pipeline/docs/README.md"
    if name != index:
        assert f"]({Path(name).relative_to('pipeline/docs')})" in PAGES[index], f"name {name} in {index}"


@pytest.mark.parametrize("name", sorted(name for name, text in PAGES.items() if "```sh" in text))
def test_every_command_a_page_shows_exists_and_takes_these_arguments(name):
    parser = build_parser("*")
    shown = [line for block in re.findall(r"(?s)```sh\n(.*?)```", PAGES[name]) for line in block.splitlines() if line.startswith("tlsrpt ")]
    for line in shown:
        parser.parse_args(shlex.split(line.split(">")[0], comments=True)[1:])


@pytest.mark.parametrize(
    ("page", "names"),
    {
        "commands": [f"## `tlsrpt {name}`" for name in COMMANDS],
        "settings": [f"`{name.rpartition('.')[2]}`" for name in sorted((settings_of(Settings) - {"limits"}) | set(Limits._fields))],
        "tables": [f"## `{table.name}`" for table in TABLES.values()] + [f"| `{view}` |" for view in GRAINS]
                  + [f"| `{column.name}` |" for table in TABLES.values() for column in table.columns],
        "questions": [f"| `{question}` |" for question in load_questions()],
        "causes": [f"| `{cause}` |" for cause in CAUSES],
        "quirks": [f"| `{quirk}` |" for quirk in QUIRKS],
        "rejects": [f"| `{code}` |" for code in REJECT_CODES],
        "result-types": [f"| `{name}` |" for name in RESULT_TYPES],
        "metrics": [f"| `tlsrpt_{name}` |" for name in GAUGES],
    }.items(),
)  # fmt: skip
def test_the_reference_names_every(page, names):
    text = PAGES[f"pipeline/docs/reference/{page}.md"]
    assert names
    assert [name for name in names if name not in text] == [], f"run `make docs`: pipeline/docs/reference/{page}.md is made from the code"


def test_the_settings_the_pages_show_load():
    shown = [tomllib.loads(re.sub(r"(?m)^ {3}", "", block)) for block in re.findall(r"(?s)```toml\n(.*?)```", WHOLE)]
    boxes = [block["mailbox"][0] for block in shown if "mailbox" in block]
    assert len(boxes) >= 2
    for box in boxes:
        MailboxSettings(**box)
    assert [GroupSettings(**group).called for block in shown for group in block.get("group", [])] == ["Alpha Ltd"]
    assert [DashboardSettings(**block["dashboard"]).hosts for block in shown if "dashboard" in block] == [("tls.example.org",)]


def test_the_targets_they_name_are_in_the_makefile():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert [t for t in some(set(re.findall(r"`make ([a-z][a-z-]+)", WHOLE))) if not re.search(rf"(?m)^{t}:", makefile)] == []
