"""What the token sources of providers share: errors of the network, files with secrets."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import ConfigError, TryAgainError, UnreachableError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def network_errors(where: str, server: str) -> Iterator[None]:
    """Turn what `requests` raises into errors of ours.

    Raises:
        TryAgainError: The token server does not answer in time, or not at all.
        UnreachableError: Its certificate does not verify.
    """
    import requests

    try:
        yield
    except requests.exceptions.SSLError as err:
        raise UnreachableError(
            f"{where}: the certificate of {server} does not verify; check the name, and the CAs of this machine"
        ) from err
    except requests.exceptions.RequestException as err:
        raise TryAgainError(f"{where}: {server} does not answer ({type(err).__name__}); the next run tries again") from err


def read_secret(path: str, where: str) -> str:
    """Return the text of a file with a secret.

    Raises:
        ConfigError: It cannot be read.
    """
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as err:
        reason = err.strerror if isinstance(err, OSError) else "it is not text"
        raise ConfigError(f"{where} {path} cannot be read: {reason}") from err


def write_private(path: str, text: str) -> None:
    """Replace a file at once, readable by its owner alone from its first byte on.

    Raises:
        ConfigError: It cannot be written.
    """
    target = Path(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, waiting = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)  # mode 0600
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(waiting).replace(target)
        except BaseException:
            Path(waiting).unlink(missing_ok=True)
            raise
    except OSError as err:
        raise ConfigError(f"cache_file {path} cannot be written: {err.strerror or err}; check the folder and its permissions") from err
