"""Signing in: LOGIN, SASL PLAIN, XOAUTH2, OAUTHBEARER."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Protocol

from imapclient.exceptions import LoginError

from pipeline.errors import ConfigError

if TYPE_CHECKING:
    from pipeline.mailbox.connection import Client
    from pipeline.settings.mailbox_tables import MailboxSettings


class TokenSource(Protocol):
    """Gives an access token; called at every (re)connect, because tokens expire."""

    def __call__(self) -> str:
        """Return a token that is valid now."""

    def forget(self) -> None:
        """Drop what is cached: the server has just refused it."""


def sign_in(client: Client, settings: MailboxSettings, token: TokenSource | None) -> None:
    """Sign in as configured.

    Args:
        client: Connected, with TLS where TLS is wanted.
        settings: user, and where the password is.
        token: For oauth2; None for a password.

    Raises:
        LoginError: The server refuses.
        ConfigError: There is no password, or one that cannot be sent.
    """
    if token is not None and settings.oauth2 is not None:
        _with_token(client, settings, token)
        return
    password = settings.reveal_password()
    if any(char in f"{settings.user}{password}" for char in "\0\r\n"):
        raise ConfigError(f"mailbox {settings.name}: user or password contains a control character; check its source")
    mechanism = settings.sign_in
    if mechanism == "auto":
        mechanism = "plain" if client.has_capability("AUTH=PLAIN") or not f"{settings.user}{password}".isascii() else "login"
    if mechanism == "plain":
        client.plain_login(settings.user, password)
    else:
        _login(client, settings, password)


def _login(client: Client, settings: MailboxSettings, password: str) -> None:
    if not f"{settings.user}{password}".isascii():
        raise ConfigError(f'mailbox {settings.name}: LOGIN cannot carry a user or password beyond ASCII; use sign_in = "plain"')
    if client.has_capability("LOGINDISABLED"):
        raise LoginError("the server allows no LOGIN on this connection (LOGINDISABLED)")
    # imaplib quotes the password only (RFC 9051 §4.3: a quoted string).
    escaped = settings.user.replace("\\", "\\\\").replace('"', '\\"')
    client.login(f'"{escaped}"', password)


def _with_token(client: Client, settings: MailboxSettings, token: TokenSource) -> None:
    """Sign in with a token; one that is refused is dropped, and a fresh one tried once."""
    assert settings.oauth2 is not None  # noqa: S101 -- for the type checker; the caller has looked
    bearer = settings.oauth2.mechanism == "oauthbearer"
    try:
        _bearer_login(client, settings.user, token(), bearer=bearer)
    except LoginError:
        token.forget()
        _bearer_login(client, settings.user, token(), bearer=bearer)


def _bearer_login(client: Client, user: str, token: str, *, bearer: bool) -> None:
    """Send a token (RFC 7628; XOAUTH2 is its forerunner). A refusal comes as a challenge with JSON, and wants an empty answer."""
    if bearer:
        identity = user.replace("=", "=3D").replace(",", "=2C")
        first, last = f"n,a={identity},\1auth=Bearer {token}\1\1", b"\1"
    else:
        first, last = f"user={user}\1auth=Bearer {token}\1\1", b""
    challenges: list[bytes] = []

    def answer(challenge: bytes) -> bytes:
        challenges.append(challenge)
        return first.encode("utf-8") if len(challenges) == 1 else last

    try:
        client.sasl_login("OAUTHBEARER" if bearer else "XOAUTH2", answer)
    except LoginError as err:
        reason = _reason(challenges[1]) if len(challenges) > 1 else ""
        raise LoginError(f"{err.args[0] if err.args else err}{reason}") from err


def _reason(challenge: bytes) -> str:
    try:
        status = json.loads(challenge).get("status")
    except (ValueError, AttributeError):
        return ""
    return f" ({status})" if isinstance(status, str | int) else ""
