"""Asking Microsoft Graph: patient where it throttles, once more where a token has expired, and nowhere else than at the one server."""

from __future__ import annotations

import re
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, urlsplit

import orjson

from pipeline.errors import ConfigError, SignInError, TryAgainError, UnreachableError
from pipeline.extras import import_extra
from pipeline.failpoint import reach
from pipeline.mailbox.oauth import token_source

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from pipeline.mailbox.imap_sign_in import TokenSource
    from pipeline.settings.mailbox_tables import MailboxSettings

_TRIES = 4
_PATIENCE_SECONDS = 30.0
"""A longer Retry-After ends the run: the next one comes anyway."""
_PASSING = frozenset({429, 500, 502, 503, 504})
_MOST = 64 << 20
_WORD = re.compile(r"[A-Za-z]{1,60}")


class Graph:
    """One mailbox at Microsoft Graph."""

    def __init__(self, settings: MailboxSettings) -> None:
        """Name it; nothing is asked yet."""
        self._settings = settings
        self._where = f"mailbox {settings.name}"
        self._tokens: TokenSource | None = None
        self._client: httpx.Client | None = None
        scheme = "http" if settings.tls == "none" else "https"
        self._server = f"{scheme}://{settings.host or 'graph.microsoft.com'}{f':{settings.port}' if settings.port else ''}"
        self.user = f"/v1.0/users/{quote(settings.user, safe='@')}"

    def close(self) -> None:
        """Let go of the connections."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def pages(self, path: str) -> Iterator[dict[str, Any]]:
        """Yield what a list has, page by page.

        Raises:
            TlsrptError: As `value`; or a page says that the next one is at another server.
        """
        while path:
            page = self.value(path)
            yield from page.get("value", ())
            path = str(page.get("@odata.nextLink") or "")
            if path:
                # The token goes nowhere else, whatever an answer says.
                if f"{urlsplit(path).scheme}://{urlsplit(path).netloc}" != self._server:
                    raise UnreachableError(f"{self._where}: {self._server} sends on to another server, which is not followed")
                path = path.removeprefix(self._server)

    def value(self, path: str) -> dict[str, Any]:
        """Return the object at a path.

        Raises:
            ConfigError: There is none.
            TlsrptError: As `ask`.
        """
        answer = self.ask("GET", path)
        if answer is None:
            raise ConfigError(f"{self._where}: {self._server} knows no mailbox {self._settings.user}, or not this folder of it")
        found = answer.value()
        if not isinstance(found, dict):
            raise TryAgainError(f"{self._where}: {self._server} answered something else than Graph does; the next run tries again")
        return found

    def ask(
        self, method: str, path: str, *, json: dict[str, object] | None = None, most: int = _MOST, writes: bool = False
    ) -> Answer | None:
        """Return the answer, or None where there is no such thing (404).

        Args:
            method: The HTTP method.
            path: The path at the server, with its query.
            json: What is sent.
            most: Of a longer answer one piece more than so many bytes is read.
            writes: Whether it changes the mailbox: another permission is missing then.

        Raises:
            TryAgainError: Busy, for longer than is waited for here, or cut.
            SignInError: Refused; the permission that is missing is named.
            UnreachableError: The server cannot be reached.
            ConfigError: It refuses what is asked.
        """
        is_fresh = False
        for attempt in range(_TRIES):
            reach("graph-asks")
            answer = self._once(method, path, json, most)
            if answer.status == 404:
                return None
            if answer.status < 300:
                return answer
            if answer.status == 401 and not is_fresh:
                is_fresh = True
                self._token_source().forget()
                continue
            if answer.status not in _PASSING:
                raise self._refused(answer, writes=writes)
            wait = answer.retry_after if answer.retry_after is not None else 2.0**attempt
            if wait > _PATIENCE_SECONDS or attempt == _TRIES - 1:
                until = datetime.now(UTC) + timedelta(seconds=wait)
                raise TryAgainError(f"{self._where}: {self._server} is busy ({answer.status}); the next run goes on", not_before=until)
            time.sleep(wait)
        raise TryAgainError(f"{self._where}: {self._server} does not take a fresh token yet; the next run tries again")

    def _once(self, method: str, path: str, json: dict[str, object] | None, most: int) -> Answer:
        headers = {"Authorization": f"Bearer {self._token_source()()}", "Prefer": 'IdType="ImmutableId"'}
        with self._errors(), self._http().stream(method, self._server + path, headers=headers, json=json) as response:
            content = bytearray()
            for piece in response.iter_bytes():
                content += piece
                if len(content) > most:
                    break
            return Answer(response.status_code, bytes(content), _seconds(response.headers.get("retry-after")))

    def _refused(self, answer: Answer, *, writes: bool) -> SignInError | ConfigError:
        code = answer.code()
        if answer.status in (401, 403):
            permission = "Mail.ReadWrite" if writes else "Mail.Read"
            return SignInError(
                f"{self._where}: {self._server} refuses {self._settings.user} ({answer.status} {code}); give the application the "
                f"permission {permission} of Microsoft Graph with admin consent, and let its access policy name this mailbox"
            )
        return ConfigError(f"{self._where}: {self._server} refuses what is asked ({answer.status} {code})")

    def _token_source(self) -> TokenSource:
        if self._tokens is None:
            self._tokens = token_source(self._settings)
        assert self._tokens is not None  # noqa: S101 -- a mailbox of kind graph is configured with oauth2
        return self._tokens

    def _http(self) -> httpx.Client:
        if self._client is None:
            import ssl

            httpx = self._httpx()
            context = ssl.create_default_context(cafile=self._settings.ca_file or None)
            times = httpx.Timeout(self._settings.read_timeout, connect=self._settings.connect_timeout)
            self._client = httpx.Client(verify=context, timeout=times, follow_redirects=False)
        return self._client

    def _httpx(self) -> Any:
        return import_extra("httpx", extra="microsoft", what=self._where)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        httpx = self._httpx()
        try:
            yield
        except httpx.ConnectError as err:
            raise UnreachableError(f"{self._where}: {self._server} cannot be reached: {err}") from err
        except (httpx.HTTPError, OSError) as err:
            raise TryAgainError(f"{self._where}: {self._server} does not answer ({type(err).__name__}); the next run goes on") from err


class Answer(NamedTuple):
    """What the server said."""

    status: int
    content: bytes
    retry_after: float | None

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.content)

    def value(self) -> Any:
        """Return it as JSON; None where it is none."""
        try:
            return orjson.loads(self.content)
        except ValueError:
            return None

    def code(self) -> str:
        """Return the code of an error; of its words nothing, for they are the server's."""
        found = self.value()
        code = found.get("error", {}).get("code", "") if isinstance(found, dict) and isinstance(found.get("error"), dict) else ""
        return str(code) if _WORD.fullmatch(str(code)) else "no code"


def _seconds(text: str | None) -> float | None:
    return float(text) if text and text.isascii() and text.isdigit() and len(text) < 7 else None
