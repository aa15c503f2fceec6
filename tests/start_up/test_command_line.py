"""Which word of a command line is the command: never the value of an option, whatever a lake or file is called."""

from __future__ import annotations

import pytest

from pipeline.cli import COMMANDS, build_parser, command_in


@pytest.mark.parametrize("option", ["--lake", "--config", "--la", "--conf"])
@pytest.mark.parametrize("name", COMMANDS)
def test_a_value_that_is_called_like_a_command_is_a_value(option, name):
    words = [option, name, "status", "--format", "json"]
    assert command_in(words) == "status"
    args = build_parser(command_in(words)).parse_args(words)
    assert (args.command, name in (args.lake, args.config), args.format) == ("status", True, "json")


@pytest.mark.parametrize(
    "words", [["--lake=demo", "status"], ["--lake", "status", "--config", "demo", "status"], ["status", "--lake", "demo"]]
)
def test_however_the_option_is_written(words):
    assert command_in(words) == "status"


@pytest.mark.parametrize("words", [[], ["--help"], ["--version"], ["statsu"], ["--lake"], ["--lake", "status"]])
def test_where_there_is_none_nothing_is_guessed(words):
    assert command_in(words) is None


@pytest.mark.parametrize(
    ("command", "words"), [("incidents", ["--domain", "demo"]), ("ingest", ["--mailbox", "check"]), ("check", ["plan"])]
)
def test_what_follows_the_command_is_its_own(command, words):
    parsed = build_parser(command).parse_args([command, *words])
    assert parsed.command == command
