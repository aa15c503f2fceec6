"""What variables of the environment set: `TLSRPT_LAKE__PATH` is `path` of `[lake]`; a list or a whole section is written as JSON.

Read by us: the library for it takes a twelfth of a second of processor to import, at the start of every command.
"""

from __future__ import annotations

import json
import os
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from pipeline.errors import ConfigError

PREFIX = "TLSRPT_"
_WITHIN = "__"


def from_environment(settings: type[BaseModel]) -> dict[str, Any]:
    """Return the settings of the environment as the tables of a file would have them; what they hold is not checked.

    Raises:
        ConfigError: What is to be a list or a section is not written as JSON.
    """
    said = {name.upper(): value for name, value in os.environ.items()}
    found: dict[str, Any] = {}
    for name, field in settings.model_fields.items():
        variable = f"{PREFIX}{name}".upper()
        whole = _value(said[variable], field.annotation, variable) if variable in said else {}
        if isinstance(whole, dict):
            begin = f"{variable}{_WITHIN}"
            parts = ((place, value) for place, value in said.items() if place.startswith(begin))
            for place, value in parts:
                _put(whole, place.removeprefix(begin).lower().split(_WITHIN), value, field.annotation, place)
        if whole or variable in said:
            found[name] = whole
    return {name: table for name, table in found.items() if table is not None}


def over(table: dict[str, Any], stronger: dict[str, Any]) -> dict[str, Any]:
    """Return a table with what another one says put over it, name by name also in the sections within it."""
    merged = dict(table)
    for name, value in stronger.items():
        below = merged.get(name)
        merged[name] = over(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def _put(table: dict[str, Any], place: list[str], value: str, kind: Any, variable: str) -> None:
    """Put one value into a section, below as many more as its name goes through."""
    for step in place[:-1]:
        kind = _within(kind, step)
        inner = table.setdefault(step, {})
        if not isinstance(inner, dict):
            return
        table = inner
    kind = _within(kind, place[-1])
    table[place[-1]] = _value(value, kind, variable) if value else value


def _within(kind: Any, name: str) -> Any:
    """Return the type of a setting of a section, one of a repeated section included; None for a name that nobody knows."""
    for section in (kind, *get_args(kind)):
        if isinstance(section, type) and issubclass(section, BaseModel) and name in section.model_fields:
            return section.model_fields[name].annotation
    return None


def _value(text: str, kind: Any, variable: str) -> Any:
    """Return what a variable says: its text, or what the text is JSON of where more than one value is wanted.

    Raises:
        ConfigError: It is not JSON.
    """
    wanted = get_origin(kind) or kind
    if not (isinstance(wanted, type) and issubclass(wanted, tuple | list | dict | BaseModel)):
        return text
    try:
        return json.loads(text)
    except ValueError:
        example = '["one", "two"]' if issubclass(wanted, tuple | list) else '{"name": "value"}'
        raise ConfigError(f"{variable} in the environment cannot be read: wanted is JSON, as in {example}") from None
