"""The only door for readers: one question is one .sql file, run by DuckDB over one snapshot of the lake."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.query.reader import Lake

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pipeline.config import Settings

__all__ = ["Lake", "open_lake"]


def open_lake(
    where: str | Path | None = None,
    *,
    settings: Settings | None = None,
    group: str | Sequence[str] | None = None,
    missing_ok: bool = False,
) -> Lake:
    """Open a lake for reading.

    Args:
        where: A folder, or a URI of object storage; the lake of the settings where it is not given.
        settings: Whose tiers and domains count. Where they are not given, the configuration file and the environment are read, as the
            command line does.
        group: Open it as the readers of this `[[group]]`, or of these together: limited to their domains before any SQL.
        missing_ok: A lake that is not there answers every question with no rows, and is not refused.

    Raises:
        ConfigError: The settings are wrong.
        UsageError: There is no such group.
        InputError: There is no lake.
        LakeError: The lake cannot be read.
    """
    from pipeline.config import load_settings
    from pipeline.lake.storage.locate import configured_location, locate
    from pipeline.lake.storage.near import refuse_missing
    from pipeline.settings.config_file import find_config

    chosen = settings if settings is not None else load_settings(None)
    if group is not None:
        chosen = chosen.for_groups(*([group] if isinstance(group, str) else group))
    location = locate(where) if where is not None else configured_location(chosen.lake)
    if not missing_ok:
        refuse_missing(location, also=chosen.lake.path)
    opened = Lake(location, chosen)
    opened.configuration = "settings given" if settings is not None else str(find_config(None) or "none: built-in settings")
    return opened
