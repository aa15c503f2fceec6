"""Access tokens for a mailbox: Microsoft 365, Google, or a command that prints one.

The libraries are extras, imported only when they are used. A token is asked for at every connect and reconnect; the libraries keep
it until it expires, so that a run longer than a token goes on with a fresh one. What has to outlast the process, the refresh token
of somebody who signed in once, is kept in `cache_file`, readable by its owner alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.errors import ConfigError
from pipeline.settings.secret_values import output_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.mailbox.imap_sign_in import TokenSource
    from pipeline.settings.mailbox_tables import MailboxSettings, OAuth2Settings


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

        return MicrosoftTokens(settings.name, settings.user, oauth2, graph=graph_of(settings))
    if oauth2.provider == "google":
        from pipeline.mailbox.oauth_google import google_tokens

        return google_tokens(settings.name, settings.user, oauth2)
    return CommandTokens(settings.name, oauth2)


def graph_of(settings: MailboxSettings) -> str:
    """Return the address of Microsoft Graph for a mailbox of that kind; empty for IMAP."""
    return f"https://{settings.host or 'graph.microsoft.com'}" if settings.kind == "graph" else ""


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
        raise ConfigError(f'mailbox {settings.name}: only flow = "device_code" and "installed_app" need an interactive sign-in')
    if oauth2.provider == "microsoft":
        from pipeline.mailbox.oauth_microsoft import MicrosoftTokens

        MicrosoftTokens(settings.name, settings.user, oauth2, graph=graph_of(settings)).sign_in(say)
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
