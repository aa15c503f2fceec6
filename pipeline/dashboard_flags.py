"""How the page is started: everything Streamlit is told, so that it behaves the same from a checkout and from a wheel."""

from __future__ import annotations

import os
import sys
import tomllib
from collections.abc import Collection
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pipeline.errors import ConfigError

CONFIG_VARIABLE = "TLSRPT_CONFIG"
LAKE_VARIABLE = "TLSRPT_LAKE__PATH"
SIGN_IN_VARIABLE = "TLSRPT_SIGN_IN"
"""Set for a page that listens beyond this machine: then nobody sees it without signing in, whatever becomes of the secrets file."""
_LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "[::1]")


def command_line(address: str, port: int, hosts: Collection[str]) -> list[str]:
    """Return the command that runs the page.

    What its configuration file says goes in as flags, too: no other `.streamlit/config.toml`, of the folder or of the user, weakens it.

    Args:
        address: Where to listen.
        port: On which port.
        hosts: Names under which a browser may ask for it, beside those of this machine and the address.

    Raises:
        ConfigError: The package `dashboard` is not installed.
    """
    spec = find_spec("dashboard")
    if spec is None or spec.origin is None:
        raise ConfigError("the package dashboard is not installed beside pipeline; install tlsrpt-analytics whole")
    folder = Path(spec.origin).parent
    flags = _configured(folder / ".streamlit" / "config.toml")
    named = dict.fromkeys((*_LOOPBACK_HOSTS, *hosts, *(() if address in ("0.0.0.0", "::") else (address,))))  # noqa: S104 -- compared, not bound
    flags |= {"server.address": address, "server.port": port, "server.allowedHosts": list(named)}
    return [
        sys.executable,
        "-P",  # whatever lies in the folder it is called from is not ours to import
        "-m",
        "dashboard.serve",
        "run",
        str(folder / "app.py"),
        *(argument for flag in flags.items() for argument in _flag(*flag)),
    ]


def _configured(file: Path) -> dict[str, Any]:
    sections = tomllib.loads(file.read_text(encoding="utf-8"))
    return {f"{name}.{key}": value for name, section in sections.items() if name != "theme" for key, value in section.items()}


def _flag(name: str, value: Any) -> list[str]:
    if isinstance(value, list):
        return [f"--{name}={element}" for element in value]
    return [f"--{name}={str(value).lower() if isinstance(value, bool) else value}"]


def environment(config: str | None, lake: str, *, sign_in: bool) -> dict[str, str]:
    """Return the environment of the page: ours, with configuration and lake as named on our command line; no secret is added.

    Args:
        config: The configuration file named; None or empty: the page looks where `load_settings` looks.
        lake: The folder of the lake, or its URI (with `://`); a folder is made absolute.
        sign_in: Whether nobody may see the page without signing in.
    """
    named = {CONFIG_VARIABLE: str(Path(config).absolute())} if config else {}
    place = lake if "://" in lake else str(Path(lake).absolute())
    return {**os.environ, **named, LAKE_VARIABLE: place, **({SIGN_IN_VARIABLE: "required"} if sign_in else {})}
