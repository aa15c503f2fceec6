"""The example configuration loads, names every setting once, and shows the real defaults."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest

from pipeline.config import Settings, load_settings
from pipeline.report.limits import Limits
from tests.project.settings_reference import EXAMPLE, settings_of
from tests.some import some


def _uncommented() -> str:
    """The example with every shown setting set: prose has a blank after the `#`, a setting has not."""
    return re.sub(r"(?m)^#(?=[a-z\[])", "", EXAMPLE.read_text(encoding="utf-8"))


def _names(table: dict[str, Any], prefix: str = "") -> set[str]:
    """The names in a TOML table, dotted; of an array of tables those of the first."""
    names: set[str] = set()
    for name, value in table.items():
        inner = value[0] if isinstance(value, list) and value and isinstance(value[0], dict) else value
        names |= _names(inner, f"{prefix}{name}.") if isinstance(inner, dict) else {prefix + name}
    return names


@pytest.mark.parametrize("text", [EXAMPLE.read_text(encoding="utf-8"), _uncommented()], ids=["as it is", "with everything set"])
def test_the_example_configuration_loads(text, tmp_path):
    file = tmp_path / "tlsrpt.toml"
    file.write_text(text, encoding="utf-8")
    settings = load_settings(str(file))
    assert settings.mailbox[0].host == "imap.example.org"
    assert settings.domains.own == ("example.org",)


def test_the_example_names_every_setting_and_no_other():
    known = settings_of(Settings) - {"limits"} | {f"limits.{name}" for name in Limits._fields}
    shown = _names(tomllib.loads(_uncommented()))
    assert (known - shown, shown - known) == (set(), set()), "settings the example lacks, and names that are not settings"


def test_a_setting_shown_as_a_comment_has_its_default_value():
    shown = tomllib.loads(_uncommented())
    set_by_the_example = tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))
    defaults = Settings().model_dump(mode="json") | {"limits": Limits()._asdict()}
    for section in some(shown.keys() - {"mailbox", "source", "group"}):
        for name, value in some(shown[section].items()):
            if name not in set_by_the_example.get(section, {}) and name != "channel":
                assert value == defaults[section][name], f"[{section}] {name}"


def test_a_password_is_never_printed(tmp_path):
    file = tmp_path / "tlsrpt.toml"
    file.write_text('[[mailbox]]\nname = "a"\nhost = "h.invalid"\nuser = "u"\npassword = "hunter2"\n', encoding="utf-8")
    settings = load_settings(str(file))
    assert "hunter2" not in f"{settings} {settings!r} {settings.model_dump_json()}"
    assert settings.mailbox[0].reveal_password() == "hunter2"
