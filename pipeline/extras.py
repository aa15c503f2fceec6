"""What is installed only with an extra, and the one sentence where it is wanted and missing."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from pipeline.errors import ConfigError

PROVES: dict[str, tuple[str, ...]] = {
    "dashboard": ("streamlit", "altair", "pandas"),
    "demo": ("pymap",),
    "cluster": ("distributed",),
    "notebooks": ("pandas", "jupyterlab", "matplotlib"),
    "notify": ("apprise",),
    "receive": ("starlette", "uvicorn"),
    "microsoft": ("msal", "httpx"),
    "pdf": ("weasyprint",),
    "google": ("google.oauth2", "google_auth_oauthlib"),
}
"""By extra: the modules that are there when it is installed, as far as the program imports them; a test holds it to pyproject.toml."""


def missing(extra: str, what: str, module: str | None) -> ConfigError:
    """Return the error that says what to install.

    Args:
        extra: The extra that brings it.
        what: Who wants it, the subject of the sentence.
        module: What was not found.
    """
    return ConfigError(
        f"{what} needs the extra `{extra}`: {module} is not installed; install it with: pip install 'tlsrpt-analytics[{extra}]'"
    )


def import_extra(module: str, *, extra: str, what: str) -> Any:
    """Return a module that comes with an extra.

    Args:
        module: Its full name.
        extra: The extra that brings it.
        what: Who wants it, the subject of the sentence.

    Raises:
        ConfigError: It, or something that it needs, is not installed.
    """
    try:
        return import_module(module)
    except ImportError as err:
        raise missing(extra, what, err.name or module) from err


def require(extra: str, what: str) -> None:
    """Make sure that an extra is installed, without importing it.

    Raises:
        ConfigError: It is not.
    """
    from importlib.util import find_spec

    for module in PROVES[extra]:
        parent = module.partition(".")[0]
        if find_spec(parent) is None or (parent != module and find_spec(module) is None):
            raise missing(extra, what, module)
