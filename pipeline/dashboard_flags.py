"""How the page is started: everything Streamlit is told, so that it behaves the same from a checkout and from a wheel."""

from __future__ import annotations

import os
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

from pipeline.errors import ConfigError, UsageError

CONFIG_VARIABLE = "TLSRPT_CONFIG"
LAKE_VARIABLE = "TLSRPT_LAKE__PATH"


def command_line(address: str, port: int) -> list[str]:
    """Return the command that runs the page.

    Raises:
        ConfigError: The package `dashboard` is not installed.
    """
    spec = find_spec("dashboard")
    if spec is None or spec.origin is None:
        raise ConfigError("the package dashboard is not installed beside pipeline; install tlsrpt-analytics whole")
    flags = {
        "server.address": address,
        "server.port": str(port),
        "server.headless": "true",
        "server.fileWatcherType": "none",
        "server.runOnSave": "false",
        "server.enableCORS": "true",
        "server.enableXsrfProtection": "true",
        "server.maxUploadSize": "1",
        "server.showEmailPrompt": "false",
        "browser.gatherUsageStats": "false",
        "client.toolbarMode": "viewer",
        "client.showErrorDetails": "none",
        "runner.magicEnabled": "false",
    }
    app = Path(spec.origin).with_name("app.py")
    return [sys.executable, "-m", "streamlit", "run", str(app), *(f"--{name}={value}" for name, value in flags.items())]


def environment(config: str | None, lake: str) -> dict[str, str]:
    """Return the environment of the page: ours, with configuration and lake as named on our command line; no secret is added."""
    named = {CONFIG_VARIABLE: str(Path(config).absolute())} if config else {}
    place = lake if "://" in lake else str(Path(lake).absolute())
    return {**os.environ, **named, LAKE_VARIABLE: place}


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
