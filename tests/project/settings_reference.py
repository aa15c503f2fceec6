"""The settings as tables, from the example configuration: another test holds it to name every setting with its default."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from pydantic import BaseModel

from tests.project.tree import ROOT

EXAMPLE = ROOT / "data" / "tlsrpt.example.toml"
_SECTION = re.compile(r"^#?(\[\[?[a-z0-9_.]+\]\]?)$")
_SETTING = re.compile(r"^#?([a-z_]+) = (.+)$")
_PROSE = re.compile(r"^# (.+)$")


class Section(NamedTuple):
    """One table of the file."""

    name: str
    """As it stands there: `[lake]`, `[[mailbox]]`."""
    prose: str
    settings: list[tuple[str, str, str]]
    """Name, value shown, meaning."""


def sections() -> list[Section]:
    """What the example says, table by table."""
    found: list[Section] = []
    prose: list[str] = []
    for line in EXAMPLE.read_text(encoding="utf-8").splitlines():
        if match := _SECTION.match(line):
            found.append(Section(match[1], " ".join(prose), []))
        elif (match := _SETTING.match(line)) and found:
            found[-1].settings.append((match[1], *_value_and_meaning(match[2])))
        elif match := _PROSE.match(line):
            prose.append(match[1])
            continue
        prose = []
    return found


def _value_and_meaning(rest: str) -> tuple[str, str]:
    """The value up to a `#` that stands in no string, and what follows."""
    match = re.match(r'((?:"[^"]*"|[^"#])*)(?:#\s*(.*))?$', rest)
    assert match, f"{EXAMPLE.name}: cannot read {rest!r}"
    return match[1].strip(), match[2] or ""


def settings_of(model: type[BaseModel], prefix: str = "") -> set[str]:
    """Every setting by its dotted name."""
    names: set[str] = set()
    for name, field in model.model_fields.items():
        section = _section_of(field.annotation)
        names |= settings_of(section, f"{prefix}{name}.") if section else {prefix + name}
    return names


def _section_of(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in getattr(annotation, "__args__", ()) if (found := _section_of(part))), None)
