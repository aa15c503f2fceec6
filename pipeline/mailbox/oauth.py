"""Access tokens for a mailbox: Microsoft 365, Google, or a command that prints one.

The libraries are extras, imported only when they are used. A token is asked for at every connect and reconnect; the libraries keep
it until it expires, so that a run longer than a token goes on with a fresh one. What has to outlast the process, the refresh token
of somebody who signed in once, is kept in `cache_file`, readable by its owner alone.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.config import output_of
from pipeline.errors import ConfigError, TryAgainError, UnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipeline.config import MailboxSettings, OAuth2Settings
    from pipeline.mailbox.sign_in import TokenSource


def token_source(settings: MailboxSettings) -> TokenSource | None:
    """Return where the tokens of a mailbox come from; None where it uses a password.

    Raises:
        ConfigError: The extra is not installed, or a setting or file is missing.
    """
    oauth2 = settings.oauth2
    if oauth2 is None:
        return None
    if oauth2.provider == "microsoft":
        from pipeline.mailbox.oauth_microsoft import MicrosoftTokens

        return MicrosoftTokens(settings.name, settings.user, oauth2)
    if oauth2.provider == "google":
        from pipeline.mailbox.oauth_google import google_tokens

        return google_tokens(settings.name, settings.user, oauth2)
    return CommandTokens(settings.name, oauth2)


def sign_in_interactively(settings: MailboxSettings, say: Callable[[str], None]) -> None:
    """Let a person sign in once, in a browser, and keep what allows to go on without them in `cache_file`.

    Args:
        settings: With a flow that needs a person: `device_code` or `installed_app`.
        say: Shows what the person has to do: an address, and for the device flow a code.

    Raises:
        ConfigError: The flow needs nobody, the extra is not installed, or a setting is missing.
        SignInError: It was refused, or nobody came.
        TryAgainError: The token server does not answer.
    """
    oauth2 = settings.oauth2
    if oauth2 is None or oauth2.effective_flow not in ("device_code", "installed_app"):
        raise ConfigError(f'mailbox {settings.name}: only flow = "device_code" and "installed_app" need somebody to sign in')
    if oauth2.provider == "microsoft":
        from pipeline.mailbox.oauth_microsoft import MicrosoftTokens

        MicrosoftTokens(settings.name, settings.user, oauth2).sign_in(say)
    else:
        from pipeline.mailbox.oauth_google import sign_in

        sign_in(settings.name, oauth2, say)


class CommandTokens:
    """Tokens printed by a command, for every other server."""

    def __init__(self, mailbox: str, oauth2: OAuth2Settings) -> None:
        self._where = f"mailbox {mailbox}: token_command"
        self._command = oauth2.token_command

    def __call__(self) -> str:
        """Return the first line the command prints.

        Raises:
            ConfigError: It does not run, fails, or prints nothing.
        """
        return output_of(self._command, self._where).strip()

    def forget(self) -> None:
        """Keep nothing: the command is run each time."""


def optional(module: str, *, extra: str, mailbox: str) -> Any:
    """Return a module of a package that is installed only with an extra.

    Raises:
        ConfigError: It is not installed; the sentence says how to.
    """
    try:
        return import_module(module)
    except ImportError as err:
        raise ConfigError(
            f"mailbox {mailbox}: {err.name or module} is not installed; install it with: pip install 'tlsrpt-analytics[{extra}]'"
        ) from err


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
        reason = err.strerror if isinstance(err, OSError) else "it is no text"
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
