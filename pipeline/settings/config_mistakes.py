"""What is wrong with a configuration, as one sentence in the words of its file: sections, lists, texts; never those of a library."""

from __future__ import annotations

import difflib
import os
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pydantic import ValidationError
    from pydantic.fields import FieldInfo

Place = tuple[int | str, ...]
"""Where a setting stands: names of sections and settings, and numbers of repeated ones, counted from 0."""

_WANTED = {
    "string_type": "a text in quotes is wanted",
    "bool_type": "true or false is wanted",
    "bool_parsing": "true or false is wanted",
    "int_type": "a whole number is wanted",
    "int_parsing": "a whole number is wanted",
    "int_from_float": "a whole number is wanted",
    "float_type": "a number is wanted",
    "float_parsing": "a number is wanted",
    "tuple_type": 'a list is wanted, as in ["one", "two"]',
    "missing": "it is missing",
}

_SHORTER = {
    "Value error, ": "",
    "Input should be greater than or equal to": "wanted is at least",
    "Input should be less than or equal to": "wanted is at most",
    "Input should be greater than": "wanted is more than",
    "Input should be less than": "wanted is less than",
    "Input should be": "wanted is",
}


def first_mistake(err: ValidationError, settings: type[BaseModel], path: Path | None) -> str:
    """Return the sentence about the first mistake: where it is, and what is wanted there.

    Args:
        err: What reading the settings ended with.
        settings: All there are.
        path: The file they were read from, None where there is none.
    """
    mistakes = err.errors(include_url=False, include_input=False)
    first = min(mistakes, key=lambda mistake: mistake["type"] != "extra_forbidden")  # a misspelt name is why the right one is missing
    place, kind = first["loc"], first["type"]
    where = f"{_named(place) or 'as a whole'} {_source(place, path)}"
    if kind == "extra_forbidden":
        section = _section_of(place, settings)
        return f"unknown setting {where}{did_you_mean(str(place[-1]), section.model_fields if section else ())}"
    return f"setting {where}: {_wanted(kind, first['msg'], place, settings)}"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return the name it was probably meant to be, as the rest of a sentence; nothing where none is near."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _named(place: Place) -> str:
    """As in the file: `lake.path`, and of a repeated section which one, counted from 1."""
    return ".".join(f"{step}" if isinstance(step, str) else f"[{step + 1}]" for step in place).replace(".[", "[")


def _source(place: Place, path: Path | None) -> str:
    set_in = {name.upper() for name in os.environ}
    for end in range(len(place), 0, -1):
        variable = "__".join(["TLSRPT_" + str(place[0]), *(str(step) for step in place[1:end])]).upper()
        if variable in set_in:
            return f"in {variable} of the environment"
    return f"in {path}" if path is not None else "in the environment"


def _wanted(kind: str, message: str, place: Place, settings: type[BaseModel]) -> str:
    field = _field(place, settings)
    if kind in {"model_type", "dict_type"} or (kind == "tuple_type" and field is not None and _models(field.annotation)):
        name = ".".join(step for step in place if isinstance(step, str))
        header = f"[{name}]" if kind != "tuple_type" and isinstance(place[-1], str) else f"[[{name}]]"
        return f"it is a section: write {header} on a line of its own, and below it each setting as name = value"
    if kind == "string_pattern_mismatch" and field is not None and field.description:
        return f"wanted is {field.description}"
    if kind in _WANTED:
        return _WANTED[kind]
    for long, short in _SHORTER.items():
        message = message.replace(long, short)
    return message[:1].lower() + message[1:]


def _field(place: Place, settings: type[BaseModel]) -> FieldInfo | None:
    """The setting at that place, or the one around it for an entry of a list."""
    names = [step for step in place if isinstance(step, str)]
    section = _section_of(tuple(names), settings)
    return section.model_fields.get(names[-1]) if section else None


def _section_of(place: Place, settings: type[BaseModel]) -> type[BaseModel] | None:
    """The section that holds what is at that place; None where there is none of that name."""
    section: type[BaseModel] | None = settings
    for step in place[:-1]:
        if isinstance(step, str):
            field = section.model_fields.get(step) if section else None
            section = next(iter(_models(field.annotation)), None) if field else None
    return section if place else None


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for arg in getattr(annotation, "__args__", ()) for model in _models(arg)]
