"""The channels: how a message leaves the house. Each sends one message or raises `SendError`; none of them remembers anything."""

from __future__ import annotations

import json
import os
import threading
import urllib.error
import urllib.request
from concurrent.futures import Future
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import orjson

from pipeline.errors import ConfigError
from pipeline.extras import import_extra
from pipeline.notify.channel_message import as_json, event_json

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from pipeline.notify.channel_message import Message
    from pipeline.settings.notice_tables import ChannelSettings

_Value = TypeVar("_Value")
TIMEOUT = 20.0
"""Seconds that a receiver may be silent."""
CHANNEL_THREAD = "channel"
LONGEST = 60.0
"""Seconds that one message may take, however busily a receiver trickles; well below `outbox.CLAIM`."""


class SendError(Exception):
    """A message was not delivered, for all we know; the sentence says why and holds no secret."""


class Channel(Protocol):
    """Something that delivers a message."""

    def send(self, message: Message, now: datetime) -> None:
        """Deliver it, at least as far as the next server.

        Raises:
            SendError: It was not delivered, for all we know.
            ConfigError: The channel cannot be used as it is configured.
        """


class Webhook:
    """Posts JSON to an address, with the key of the message as `Idempotency-Key`."""

    def __init__(self, url: str, link: str) -> None:
        self._url, self._link = url, link

    def send(self, message: Message, now: datetime) -> None:  # noqa: ARG002 -- part of the protocol
        """Post the message.

        Raises:
            SendError: No answer of class 2xx came.
            ConfigError: The address cannot be used.
        """
        post_json(self._url, as_json(message, self._link), {"Idempotency-Key": message.key})


class Apprise:
    """Any of the services that Apprise knows, by its address: mail, Slack, Teams, Matrix, ntfy, Telegram and others."""

    def __init__(self, url: str, name: str) -> None:
        self._url, self._name = url, name

    def send(self, message: Message, now: datetime) -> None:  # noqa: ARG002
        """Hand the message to Apprise as plain text.

        Raises:
            SendError: It was not delivered, for all we know.
            ConfigError: Apprise is missing, or does not know the address.
        """
        self._notify(message.subject, message.text, "text")

    def send_page(self, subject: str, page: str) -> None:
        """Hand a page to Apprise as HTML.

        Raises:
            SendError: It was not delivered, for all we know.
            ConfigError: Apprise is missing, or does not know the address.
        """
        self._notify(subject, page, "html")

    def _notify(self, subject: str, body: str, body_format: str) -> None:
        apprise = import_extra("apprise", extra="notify", what=f"channel {self._name}")
        sender = apprise.Apprise()
        if not sender.add(self._url):
            raise ConfigError(f"channel {self._name}: Apprise does not know that kind of address")
        delivered = within(lambda: sender.notify(title=subject, body=body, body_format=body_format))
        if not delivered:
            raise SendError("Apprise could not deliver it")


class LinesFile:
    """Appends one JSON line for each event to a file, for a SIEM."""

    def __init__(self, path: str, link: str) -> None:
        self._path, self._link = Path(path), link

    def send(self, message: Message, now: datetime) -> None:
        """Append the events in one write, and wait until they are on the disk.

        Raises:
            SendError: The file cannot be written.
        """
        lines = [{"time": now.isoformat(), **event_json(event, self._link)} for event in message.events]
        try:
            handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
            try:
                os.write(handle, b"".join(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE) for line in lines))
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError as err:
            raise SendError(f"{self._path}: {err.strerror}") from err


def page_channel(settings: ChannelSettings) -> Apprise:
    """Return a channel of kind apprise, which sends pages of HTML; services without HTML get their text.

    Raises:
        ConfigError: The channel is of another kind, or its address cannot be found.
    """
    if settings.kind != "apprise":
        raise ConfigError(f"channel {settings.name} is of kind {settings.kind}; a digest goes out over kind apprise")
    return Apprise(settings.reveal_url(), settings.name)


def post_alerts(url: str, alerts: Sequence[dict[str, object]]) -> None:
    """Post the state to Alertmanager: all alerts that are open, each time.

    Raises:
        SendError: It was not accepted.
    """
    post_json(f"{url.rstrip('/')}/api/v2/alerts", list(alerts), {})


def ping(url: str) -> None:
    """Ping a dead-man's switch.

    Raises:
        SendError: It did not answer.
    """
    _request(url, b"", {"Content-Type": "text/plain; charset=utf-8"})


def post_json(url: str, value: Any, headers: dict[str, str]) -> None:
    """Post a value as JSON.

    Args:
        url: An http or https address.
        value: What `json` can write.
        headers: Further headers, beside the Content-Type.

    Raises:
        SendError: No answer of class 2xx came.
        ConfigError: The address is of another kind, or cannot be used.
    """
    _request(url, json.dumps(value).encode(), {"Content-Type": "application/json", **headers})


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A notice goes where the operator said, and nowhere else."""

    def redirect_request(self, *_args: Any, **_kwargs: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirect)


def _request(url: str, body: bytes, headers: dict[str, str]) -> None:
    if not url.startswith(("http://", "https://")):
        raise ConfigError("the address of a channel begins with https:// or http://")
    request = urllib.request.Request(url, data=body, headers={"User-Agent": "tlsrpt-analytics", **headers})  # noqa: S310 -- checked above

    def ask() -> None:
        with _OPENER.open(request, timeout=TIMEOUT):
            pass  # its status says it all

    try:
        within(ask)
    except urllib.error.HTTPError as err:
        err.close()  # it holds the answer
        raise SendError(f"the server answered {err.code}") from err
    except (OSError, HTTPException) as err:
        reason = getattr(err, "reason", err)
        raise SendError(f"no connection: {getattr(reason, 'strerror', None) or type(reason).__name__}") from err
    except ValueError as err:
        raise ConfigError("the address of a channel cannot be used; check its spelling") from err


def within(work: Callable[[], _Value]) -> _Value:
    """Return what `work` returns, if it does within `LONGEST` seconds; else it is left to itself, and ends with the process at the latest.

    A time limit of a socket bounds its silence alone: a receiver that sends a byte now and then would hold the whole run.

    Raises:
        SendError: It took longer. What was sent may have arrived all the same.
        Exception: What `work` raises.
    """
    outcome: Future[_Value] = Future()

    def do() -> None:
        try:
            outcome.set_result(work())
        except BaseException as err:  # noqa: BLE001 -- raised where it is waited for
            outcome.set_exception(err)

    threading.Thread(target=do, name=CHANNEL_THREAD, daemon=True).start()
    try:
        return outcome.result(LONGEST)
    except TimeoutError as err:
        if outcome.done():
            raise
        raise SendError(f"it was not done within {LONGEST:g} seconds") from err


def channel_of(settings: ChannelSettings, link: str) -> Channel:
    """Return the channel that sends messages; Alertmanager takes state, not messages, and is not one.

    Raises:
        ConfigError: Its address cannot be found.
    """
    if settings.kind == "lines":
        return LinesFile(settings.path, link)
    url = settings.reveal_url()
    return Webhook(url, link) if settings.kind == "webhook" else Apprise(url, settings.name)
