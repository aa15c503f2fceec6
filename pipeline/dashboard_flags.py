"""How the page is started: everything Streamlit is told, so that it behaves the same from a checkout and from a wheel."""

from __future__ import annotations

import os
import sys
import tomllib
from collections.abc import Collection, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pipeline.errors import ConfigError, UsageError

CONFIG_VARIABLE = "TLSRPT_CONFIG"
LAKE_VARIABLE = "TLSRPT_LAKE__PATH"
SIGN_IN_VARIABLE = "TLSRPT_SIGN_IN"
"""Set for a page that listens beyond this machine: then nobody sees it without signing in, whatever becomes of the secrets file."""
_LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "[::1]")


def command_line(address: str, port: int, hosts: Collection[str] = ()) -> list[str]:
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
    """Return the environment of the page: ours, with configuration and lake as named on our command line; no secret is added."""
    named = {CONFIG_VARIABLE: str(Path(config).absolute())} if config else {}
    place = lake if "://" in lake else str(Path(lake).absolute())
    return {**os.environ, **named, LAKE_VARIABLE: place, **({SIGN_IN_VARIABLE: "required"} if sign_in else {})}


def sign_in_is_configured() -> bool:
    """Whether Streamlit has an OIDC provider: an `[auth]` section with a client in `.streamlit/secrets.toml`, here or at home."""
    for folder in (Path.cwd(), Path.home()):
        secrets = folder / ".streamlit" / "secrets.toml"
        try:
            auth = tomllib.loads(secrets.read_text(encoding="utf-8")).get("auth", {})
        except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError):
            continue
        if isinstance(auth, dict) and {"client_id", "server_metadata_url"} <= auth.keys():
            return True
    return False


def refuse_open_door(address: str) -> None:
    """Raise where anybody on the network could read the page.

    Raises:
        UsageError: Nobody has to sign in.
    """
    if not sign_in_is_configured():
        raise UsageError(
            f"the page would listen on {address} for anybody; configure a sign-in ([auth] in .streamlit/secrets.toml), "
            "listen on 127.0.0.1, or say --without-sign-in if a proxy in front asks for it"
        )


def may_enter(who: Mapping[str, object], allowed: Collection[str]) -> bool:
    """Whether somebody who has signed in may see the page.

    Args:
        who: What the provider says: `email` and `email_verified`.
        allowed: Addresses, or domains as `@example.org`; without any, whoever the provider lets in.
    """
    if not allowed:
        return True
    email = str(who.get("email") or "").lower()
    if "@" not in email or who.get("email_verified") not in (True, "true"):
        return False
    return bool({email, f"@{email.rpartition('@')[2]}"} & {name.strip().lower() for name in allowed})
