"""Google: a service account that acts for the mailbox (domain-wide delegation), or a person who signed in once (installed app)."""

from __future__ import annotations

import contextlib
import io
import json
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import ConfigError, SignInError, TryAgainError
from pipeline.extras import import_extra
from pipeline.mailbox.oauth_files import network_errors, read_secret, write_private

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.settings.mailbox_tables import OAuth2Settings

SERVICE_SCOPE = "https://www.googleapis.com/auth/gmail.imap_admin"
"""Delegated to a service account; shows all labels and ignores the folder size limits of the user."""

USER_SCOPE = "https://mail.google.com/"
SIGN_IN_SECONDS = 600


def google_tokens(mailbox: str, user: str, oauth2: OAuth2Settings) -> GoogleTokens:
    """Return the tokens of a service account, or of a person who has signed in.

    Args:
        mailbox: Its name in the configuration.
        user: The address that a service account acts for; of no effect for a person who signed in.
        oauth2: The settings of the flow and its files.

    Raises:
        ConfigError: google-auth is not installed, or a file is missing or wrong.
        SignInError: The person has not signed in yet.
    """
    service_account = import_extra("google.oauth2.service_account", extra="google", what=f"mailbox {mailbox}")
    credentials = import_extra("google.oauth2.credentials", extra="google", what=f"mailbox {mailbox}")
    where = f"mailbox {mailbox}"
    try:
        if oauth2.effective_flow == "service_account":
            account = json.loads(read_secret(oauth2.service_account_file, f"{where}: service_account_file"))
            made = service_account.Credentials.from_service_account_info(account, scopes=[SERVICE_SCOPE], subject=user)
            return GoogleTokens(where, made, cache_file="")
        if not Path(oauth2.cache_file).exists():
            raise SignInError(f"{where}: not signed in yet; run: tlsrpt doctor --sign-in {mailbox}")
        kept = json.loads(read_secret(oauth2.cache_file, f"{where}: cache_file"))
        # Not from_authorized_user_info, which puts Google's own address for the token_uri that was kept.
        names = ("refresh_token", "token_uri", "client_id", "client_secret")
        made = credentials.Credentials(None, scopes=[USER_SCOPE], **{name: kept[name] for name in names})
    except (ValueError, KeyError, TypeError, AttributeError) as err:
        name = "service_account_file" if oauth2.effective_flow == "service_account" else "cache_file"
        raise ConfigError(f"{where}: {name} is not a file from Google: {str(err).splitlines()[0][:200]}") from err
    return GoogleTokens(where, made, cache_file=oauth2.cache_file)


class GoogleTokens:
    """Tokens from Google through `google-auth`."""

    def __init__(self, where: str, credentials: Any, *, cache_file: str) -> None:
        self._where = where
        self._credentials = credentials
        self._cache_file = cache_file

    def __call__(self) -> str:
        """Return a valid access token, refreshed where it has expired.

        Raises:
            SignInError: Google refuses: the delegation is missing, or the person has withdrawn it.
            TryAgainError: Google does not answer.
        """
        if not self._credentials.valid:
            self._renew()
        return str(self._credentials.token)

    def forget(self) -> None:
        """Ask for a fresh token next time."""
        self._credentials.token = None

    def _renew(self) -> None:
        exceptions = import_module("google.auth.exceptions")
        transport = import_module("google.auth.transport.requests")
        try:
            with network_errors(self._where, "Google"):
                self._credentials.refresh(transport.Request())
        except exceptions.TransportError as err:
            raise TryAgainError(f"{self._where}: Google does not answer; the next run tries again") from err
        except exceptions.RefreshError as err:
            if getattr(err, "retryable", False):
                raise TryAgainError(f"{self._where}: Google has no token now; the next run tries again") from err
            reason = str(err.args[0])[:200] if err.args else "no reason given"
            raise SignInError(f"{self._where}: Google returned no token ({reason}); check the delegation, or sign in again") from err
        if self._cache_file:
            write_private(self._cache_file, self._credentials.to_json())


def sign_in(mailbox: str, oauth2: OAuth2Settings, say: Callable[[str], None]) -> None:
    """Let a person sign in with a browser on this machine (RFC 8252), and keep the refresh token.

    Args:
        mailbox: Its name in the configuration.
        oauth2: Names the client of Google in `client_secrets_file`; what is kept goes to `cache_file`.
        say: Gets lines for the person: the address to open.

    Raises:
        SignInError: It was refused, or nobody came in time.
        ConfigError: google-auth-oauthlib is not installed, or client_secrets_file is wrong.
        TryAgainError: Google does not answer.
        UnreachableError: Its certificate does not verify.
    """
    where = f"mailbox {mailbox}"
    library = import_extra("google_auth_oauthlib.flow", extra="google", what=f"mailbox {mailbox}")
    refused = import_extra("oauthlib.oauth2", extra="google", what=f"mailbox {mailbox}").OAuth2Error
    client = read_secret(oauth2.client_secrets_file, f"{where}: client_secrets_file")
    try:
        flow = library.InstalledAppFlow.from_client_config(json.loads(client), scopes=[USER_SCOPE])
    except (ValueError, KeyError, TypeError) as err:
        raise ConfigError(f"{where}: client_secrets_file {oauth2.client_secrets_file} is not a file from Google") from err
    try:
        # The library prints the address; there is no other way to learn it.
        with network_errors(where, "Google"), contextlib.redirect_stdout(_Sayer(say)):
            made = flow.run_local_server(
                port=0,
                open_browser=False,
                timeout_seconds=SIGN_IN_SECONDS,
                authorization_prompt_message="Open this address in a browser on this machine and sign in: {url}",
                success_message="Done. You may close this page.",
                access_type="offline",
                prompt="consent",
            )
    except refused as err:
        raise SignInError(f"{where}: Google refuses ({err.error}); sign in again") from err
    except library.WSGITimeoutError as err:
        raise SignInError(f"{where}: no sign-in within {SIGN_IN_SECONDS // 60} minutes") from err
    write_private(oauth2.cache_file, made.to_json())


class _Sayer(io.TextIOBase):
    """Passes what is printed on, line by line."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say

    def write(self, text: str) -> int:
        """Pass on a line that is not empty."""
        if text.strip():
            self._say(text.strip())
        return len(text)
