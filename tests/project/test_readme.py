"""The README is complete, fresh and short-lined; what it links to is there, and what it shows parses."""

from __future__ import annotations

import re
import shlex
import tomllib

import pytest

from pipeline.cli import COMMANDS, build_parser
from pipeline.config import DashboardSettings, MailboxSettings
from tests.project.readme import BLOCK, BLOCKS, README, fresh
from tests.project.tree import ROOT, texts

TEXT = README.read_text(encoding="utf-8")


def test_the_generated_parts_are_fresh():
    assert fresh(TEXT) == TEXT, "run make docs"


def test_every_generated_part_is_in_it():
    assert sorted(match["name"] for match in BLOCK.finditer(TEXT)) == sorted(BLOCKS)


@pytest.mark.parametrize("name", sorted(name for name in texts(".md")))
def test_every_relative_link_leads_somewhere(name):
    targets = re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)[^)]*\)", texts(".md")[name])
    targets += re.findall(r'src(?:set)?="([^"]+)"', texts(".md")[name])
    assert [target for target in targets if not ((ROOT / name).parent / target).exists()] == []


def test_every_link_within_the_page_leads_to_a_heading():
    headings = {re.sub(r"[^\w\- ]", "", h).strip().lower().replace(" ", "-") for h in re.findall(r"(?m)^#+ (.+)$", TEXT)}
    assert set(re.findall(r"\]\(#([^)]+)\)", TEXT)) <= headings


def test_every_command_it_shows_exists_and_takes_these_arguments():
    parser = build_parser("*")
    shown = [line for block in re.findall(r"(?s)```sh\n(.*?)```", TEXT) for line in block.splitlines() if line.startswith("tlsrpt ")]
    assert len(shown) >= 3
    for line in shown:
        parser.parse_args(shlex.split(line.split(">")[0], comments=True)[1:])


def test_it_names_every_command():
    assert [name for name in COMMANDS if f"#### `tlsrpt {name}`" not in TEXT] == []


def test_the_settings_it_shows_load():
    shown = [tomllib.loads(re.sub(r"(?m)^ {3}", "", block)) for block in re.findall(r"(?s)```toml\n(.*?)```", TEXT)]
    boxes = [block["mailbox"][0] for block in shown if "mailbox" in block]
    assert len(boxes) >= 2
    for box in boxes:
        MailboxSettings(**box)
    assert [DashboardSettings(**block["dashboard"]).hosts for block in shown if "dashboard" in block] == [("tls.example.org",)]


def test_the_targets_it_names_are_in_the_makefile():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert [t for t in set(re.findall(r"`?make ([a-z][a-z-]+)", TEXT)) if not re.search(rf"(?m)^{t}:", makefile)] == []
