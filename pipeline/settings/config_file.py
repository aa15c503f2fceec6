"""Which configuration file is read, and the two settings that `tlsrpt pipe` needs of it, without what reading all of them costs."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

from pipeline.errors import ConfigError


def find_config(explicit: str | None) -> Path | None:
    """Return the configuration file to read, or None where there is none.

    Raises:
        ConfigError: A file was named, on the command line or in the environment, and is not there.
    """
    named = explicit or os.environ.get("TLSRPT_CONFIG")
    if named:
        path = Path(named)
        if not _is_there(path):
            raise ConfigError(f"configuration file {named} does not exist; create it or leave out --config")
        return path
    user = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    candidates = (Path("tlsrpt.toml"), user / "tlsrpt" / "tlsrpt.toml", Path("/etc/tlsrpt/tlsrpt.toml"))
    return next((path for path in candidates if _is_there(path)), None)


def _is_there(path: Path) -> bool:
    try:
        return path.is_file()
    except PermissionError as err:
        advice = "run tlsrpt as the user it was written for, or name another with --config"
        raise ConfigError(f"configuration file {path} may not be read by this user; {advice}") from err


def receive_table(explicit: str | None) -> dict[str, Any]:
    """Return `spool` and `full_percent` of `[receive]` as they are written, unchecked; the environment wins over the file.

    Raises:
        ConfigError: The file is missing or no TOML.
    """
    path = find_config(explicit)
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8")) if path is not None else {}
    except (OSError, ValueError) as err:
        raise ConfigError(f"configuration file {path} cannot be read: {err}") from err
    table = found.get("receive", {})
    names = ("spool", "full_percent")
    return {name: os.environ.get(f"TLSRPT_RECEIVE__{name.upper()}", table.get(name)) for name in names}
