"""What variables of the environment set, and how they stand beside the file."""

from __future__ import annotations

import os

import pytest

from pipeline.config import load_settings
from pipeline.errors import ConfigError

FILE = '[lake]\npath = "/file"\nreadable_by = "group"\n[domains]\nown = ["f.example"]\n[limits]\nhosts = 9\n'
BOX = '[{"name": "a", "host": "imap.example", "user": "u", "password_command": ["x"]}]'


@pytest.fixture
def said(tmp_path, monkeypatch):
    """Read the settings of a file with some variables in the environment."""
    for name in [name for name in os.environ if name.upper().startswith("TLSRPT_")]:
        monkeypatch.delenv(name)
    config = tmp_path / "tlsrpt.toml"
    config.write_text(FILE, encoding="utf-8")

    def read(**variables: str):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return load_settings(str(config))

    return read


@pytest.mark.parametrize("name", ["TLSRPT_LAKE__PATH", "tlsrpt_lake__path"])
def test_a_variable_wins_over_the_file_and_leaves_the_rest_of_its_section(said, name):
    settings = said(**{name: "/variable"})
    assert (settings.lake.path, settings.lake.readable_by) == ("/variable", "group")


def test_lists_and_sections_are_json(said):
    settings = said(TLSRPT_DOMAINS__OWN='["a.example", "b.example"]', TLSRPT_MAILBOX=BOX, TLSRPT_TRUST='{"dkim": "off"}')
    assert settings.domains.own == ("a.example", "b.example")
    assert [box.name for box in settings.mailbox] == ["a"]
    assert settings.trust.dkim == "off"


def test_one_setting_wins_over_its_whole_section_and_both_over_the_file(said):
    settings = said(TLSRPT_LIMITS='{"policies": 3, "policy_lines": 4}', TLSRPT_LIMITS__POLICIES="5")
    assert settings.limits == {"hosts": 9, "policies": 5, "policy_lines": 4}


def test_null_says_nothing(said):
    assert said(TLSRPT_LAKE="null").lake.path == "/file"


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        (
            "TLSRPT_DOMAINS__OWN",
            "a.example",
            "TLSRPT_DOMAINS__OWN in the environment cannot be read: a list or a whole section is written as JSON",
        ),
        ("TLSRPT_LAKE", "/srv", "TLSRPT_LAKE in the environment cannot be read: a list or a whole section is written as JSON"),
        ("TLSRPT_DOMAINS__OWN", "", "setting domains.own in TLSRPT_DOMAINS__OWN of the environment: a list is wanted"),
        ("TLSRPT_LOG__LEVEL", "loud", "setting log.level in TLSRPT_LOG__LEVEL of the environment"),
        ("TLSRPT_LOG__LEVELS", "info", "unknown setting log.levels in TLSRPT_LOG__LEVELS of the environment; did you mean level?"),
        ("TLSRPT_MAILBOX__NAME", "a", ": it is a section: write [[mailbox]] on a line of its own"),
        ("TLSRPT_LAKE__PATH__TO", "a", "setting lake.path"),
    ],
)
def test_what_is_wrong_is_told_by_the_name_of_the_variable(said, name, value, sentence):
    with pytest.raises(ConfigError) as caught:
        said(**{name: value})
    assert sentence in str(caught.value)
