"""Microsoft 365: an application that signs in by itself (client credentials), or a person who signed in once (device code).

App-only access needs the application permission `IMAP.AccessAsApp`, a service principal in Exchange and the right on the one
mailbox; see pipeline/docs/how-to/microsoft-365.md. There are no basic passwords any more.
"""

from __future__ import annotations

from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import ConfigError, SignInError, TryAgainError
from pipeline.extras import import_extra
from pipeline.mailbox.oauth_files import network_errors, read_secret, write_private

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipeline.settings.mailbox_tables import OAuth2Settings

APP_SCOPE = "https://outlook.office365.com/.default"
USER_SCOPE = "https://outlook.office.com/IMAP.AccessAsUser.All"
_TIMEOUT_SECONDS = 30
_PASSING_ERRORS = frozenset({"temporarily_unavailable", "server_error", "slow_down"})
"""Error codes of RFC 6749 §5.2 and RFC 8628 §3.5 that another try may cure."""


class MicrosoftTokens:
    """Tokens from the Microsoft identity platform through `msal`."""

    def __init__(self, mailbox: str, user: str, oauth2: OAuth2Settings, *, graph: str = "") -> None:
        """Take a mailbox; `graph` is the address of Microsoft Graph where the token is for that, and not for IMAP."""
        self._where = f"mailbox {mailbox}"
        self._mailbox = mailbox
        self._user = user
        self._oauth2 = oauth2
        self._authority = oauth2.authority or f"https://login.microsoftonline.com/{oauth2.tenant}"
        self._app_scope = f"{graph}/.default" if graph else APP_SCOPE
        self._user_scope = f"{graph}/Mail.ReadWrite" if graph else USER_SCOPE
        self._app: Any = None
        self._cache: Any = None
        self._refresh = False

    def __call__(self) -> str:
        """Return a valid access token: from the cache, or fresh.

        Raises:
            SignInError: The token server refuses, or nobody has signed in yet.
            TryAgainError: It does not answer.
            ConfigError: msal is not installed, or a file is missing.
        """
        app = self._application()
        with self._asking():
            if self._oauth2.effective_flow == "client_credentials":
                answer = app.acquire_token_for_client([self._app_scope])
            else:
                answer = self._silently(app)
        self._keep()
        return self._token_of(answer)

    def forget(self) -> None:
        """Ask for a fresh token next time."""
        self._refresh = True
        if self._app is not None and self._oauth2.effective_flow == "client_credentials":
            self._app.remove_tokens_for_client()

    def sign_in(self, say: Callable[[str], None]) -> None:
        """Let a person sign in with a code (RFC 8628).

        Raises:
            SignInError: It was refused, or nobody came in time.
        """
        app = self._application()
        with self._asking():
            flow = app.initiate_device_flow([self._user_scope])
            if "user_code" not in flow:
                self._token_of(flow)
            say(flow["message"])
            answer = app.acquire_token_by_device_flow(flow)
        self._token_of(answer)
        self._keep()

    @contextmanager
    def _asking(self) -> Iterator[None]:
        trouble = import_module("msal.exceptions").MsalError
        try:
            with network_errors(self._where, self._authority):
                yield
        except trouble as err:
            # msal raises for a server error (HTTP 5xx), and returns a dict for a refusal.
            raise TryAgainError(f"{self._where}: {self._authority} has no token now ({err}); the next run tries again") from err

    def _silently(self, app: Any) -> dict[str, Any]:
        accounts = app.get_accounts(username=self._user) or app.get_accounts()
        answer: dict[str, Any] | None = None
        if accounts:
            answer = app.acquire_token_silent_with_error([self._user_scope], accounts[0], force_refresh=self._refresh)
            self._refresh = False
        if answer is None:
            raise SignInError(f"{self._where}: not signed in yet; run: tlsrpt doctor --sign-in {self._mailbox}")
        return answer

    def _token_of(self, answer: dict[str, Any]) -> str:
        if "access_token" in answer:
            return str(answer["access_token"])
        code = str(answer.get("error", "unknown"))
        lines = str(answer.get("error_description", "")).splitlines()
        reason = f"{code}: {lines[0][:200]}" if lines else code
        if code in _PASSING_ERRORS:
            raise TryAgainError(f"{self._where}: {self._authority} has no token now ({reason}); the next run tries again")
        raise SignInError(f"{self._where}: {self._authority} returned no token ({reason}); check oauth2, or sign in again")

    def _application(self) -> Any:
        if self._app is not None:
            return self._app
        msal = import_extra("msal", extra="microsoft", what=f"mailbox {self._mailbox}")
        oauth2 = self._oauth2
        self._cache = self._load_cache(msal)
        options: dict[str, Any] = {"authority": self._authority, "token_cache": self._cache, "timeout": _TIMEOUT_SECONDS}
        if oauth2.authority:
            # An authority of one's own (a national cloud, a test) is not in Microsoft's list of known ones.
            options["instance_discovery"] = False
        try:
            with self._asking():
                if oauth2.effective_flow == "client_credentials":
                    self._app = msal.ConfidentialClientApplication(oauth2.client_id, client_credential=self._credential(), **options)
                else:
                    self._app = msal.PublicClientApplication(oauth2.client_id, **options)
        except (ValueError, KeyError) as err:
            raise ConfigError(f"{self._where}: {str(err).strip().splitlines()[0]}; check tenant, authority and certificate") from err
        return self._app

    def _credential(self) -> Any:
        if self._oauth2.client_certificate_file:
            pem = read_secret(self._oauth2.client_certificate_file, f"{self._where}: client_certificate_file")
            if "CERTIFICATE-----" not in pem or "PRIVATE KEY-----" not in pem:
                path = self._oauth2.client_certificate_file
                raise ConfigError(f"{self._where}: client_certificate_file {path} must contain both key and certificate in PEM")
            return {"private_key": _block(pem, "PRIVATE KEY"), "public_certificate": _block(pem, "CERTIFICATE")}
        return read_secret(self._oauth2.client_secret_file, f"{self._where}: client_secret_file").strip()

    def _load_cache(self, msal: Any) -> Any:
        cache = msal.SerializableTokenCache()
        path = Path(self._oauth2.cache_file)
        if self._oauth2.cache_file and path.exists():
            try:
                cache.deserialize(read_secret(str(path), f"{self._where}: cache_file"))
            except ValueError as err:
                raise ConfigError(f"{self._where}: cache_file {path} is not a token cache; remove it and sign in again") from err
        return cache

    def _keep(self) -> None:
        if self._oauth2.cache_file and self._cache.has_state_changed:
            write_private(self._oauth2.cache_file, self._cache.serialize())
            self._cache.has_state_changed = False


def _block(pem: str, label: str) -> str:
    """Return the first PEM block whose label ends so (RFC 7468 §2)."""
    lines = pem.splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("-----BEGIN") and line.rstrip().endswith(f"{label}-----"))
    last = next(number for number in range(first, len(lines)) if lines[number].startswith("-----END"))
    return "\n".join([*lines[first : last + 1], ""])
