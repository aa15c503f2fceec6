"""Lakes that are opened again and again: what each opening would make anew of the same is kept, where a test is about what is said."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from unittest import mock

from pipeline.query import Lake
from pipeline.query.engine import Engine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.config import Settings


@contextmanager
def engines_kept() -> Iterator[None]:
    """Give every opening of a lake by the same settings the same engine, and let the habits of one state of it be learned once.

    An engine with its views takes a tenth of a second of a core, and each command line opens the lake. None is closed here: a lake that
    is open for longer may hold it; who lets go of the last one ends it.
    """
    engines: dict[str, Engine] = {}
    habits: dict[tuple[str, ...], Any] = {}
    learn = Lake._habits

    def engine(root: str, settings: Settings, *rest: object, **options: object) -> Engine:
        key = repr((root, settings, settings.audience, rest, options))
        if key not in engines:
            engines[key] = Engine(root, settings, *rest, **options)
        return engines[key]

    def learned(lake: Lake, snapshot: Any) -> Any:
        key = (lake.location.uri, snapshot.version, lake._rules)
        if key not in habits:
            habits[key] = learn(lake, snapshot)
        return habits[key]

    with (
        mock.patch("pipeline.query.reader.Engine", engine),
        mock.patch.object(Engine, "close", return_value=None),
        mock.patch.object(Lake, "_habits", learned),
    ):
        yield
