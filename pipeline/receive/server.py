"""Runs the intake on uvicorn: one socket, TLS by itself or behind a proxy, and an end in which nothing is cut off."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from pipeline import log
from pipeline.errors import ConfigError, InputError
from pipeline.receive.about import NamesOfOurs
from pipeline.receive.intake import Intake, IntakeRules
from pipeline.spool import Spool

if TYPE_CHECKING:
    from uvicorn.protocols.http.h11_impl import RequestResponseCycle

    from pipeline.config import Settings
    from pipeline.settings.single_tables import ReceiveSettings

MOST_CONNECTIONS = 512
_LOOK_AT_CERTIFICATE_SECONDS = 60.0


def serve(settings: Settings) -> None:
    """Receive until a signal asks for the end, then finish what has begun.

    Raises:
        ConfigError: There is no spool, or the certificate cannot be used.
        InputError: The spool cannot be written, or the address is taken.
    """
    wanted = settings.receive
    if not wanted.spool:
        raise ConfigError("no spool is configured; set spool of [receive]")
    spool = Spool(wanted.spool, full_percent=wanted.full_percent)
    try:
        spool.make()
        spool.try_out()
    except OSError as err:
        raise InputError(
            f"the spool {wanted.spool} cannot be written: {err.strerror or err}; it belongs to the group that fills it"
        ) from err
    ours = NamesOfOurs((*settings.domains.own, *settings.domains.mx), settings.report_limits)
    rules = IntakeRules(ours, wanted.reveal_token(), wanted.body_bytes, wanted.seconds, wanted.per_minute)
    config = _config(wanted, Intake(spool, rules))
    listening = _listen(wanted.address, wanted.port)
    host, port = listening.getsockname()[:2]
    log.info("listening", address=host, port=port, tls=bool(wanted.cert_file), spool=wanted.spool)
    logging.getLogger("uvicorn.error").setLevel("ERROR")
    for each in (signal.SIGTERM, signal.SIGINT):  # uvicorn raises them again when it is done; done is done
        signal.signal(each, lambda *_: None)
    _Server(config, wanted.cert_file, wanted.key_file).run(sockets=[listening])


class _Server(uvicorn.Server):
    """Takes a renewed certificate without a restart."""

    def __init__(self, config: uvicorn.Config, cert_file: str, key_file: str) -> None:
        super().__init__(config)
        self._files = [Path(name) for name in (cert_file, key_file) if name]
        self._read = self._age()

    async def main_loop(self) -> None:
        """Serve, and look at the certificate now and then."""
        watching = asyncio.create_task(self._watch()) if self._files else None
        try:
            await super().main_loop()
        finally:
            if watching:
                watching.cancel()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_AT_CERTIFICATE_SECONDS)
            self.look_at_certificate()

    def look_at_certificate(self) -> None:
        """Read the certificate again where its files have changed; the old one stays where they do not fit."""
        age, context = self._age(), self.config.ssl
        if age == self._read or context is None:
            return
        try:
            context.load_cert_chain(*map(str, self._files))
        except (OSError, ValueError) as err:
            log.error("certificate-unreadable", file=self._files[0], reason=err, meaning="the one that was read before is used")
        else:
            log.info("certificate-renewed", file=self._files[0])
        self._read = age

    def _age(self) -> list[int]:
        ages = []
        for file in self._files:
            with suppress(OSError):
                ages.append(file.stat().st_mtime_ns)
        return ages


class _Timely(H11Protocol):
    """Ends a connection whose request does not come: uvicorn itself waits for its head for ever."""

    def __init__(self, *args: Any, seconds: float, **more: Any) -> None:
        super().__init__(*args, **more)
        self._seconds = seconds
        self._due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait_for_head()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        cycle = cast("RequestResponseCycle | None", self.cycle)
        if cycle is None or cycle.response_complete:
            self._wait_for_head()
        else:
            self._came()

    def connection_lost(self, exc: Exception | None) -> None:
        self._came()
        super().connection_lost(exc)

    def _wait_for_head(self) -> None:
        if self._due is None:
            self._due = self.loop.call_later(self._seconds, self.transport.close)

    def _came(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None


def _config(wanted: ReceiveSettings, intake: Intake) -> uvicorn.Config:
    config = uvicorn.Config(
        intake.application(),
        http=partial(_Timely, seconds=wanted.seconds),  # type: ignore[arg-type] # it is called, and nothing else
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(wanted.proxies),
        forwarded_allow_ips=list(wanted.proxies),
        limit_concurrency=MOST_CONNECTIONS,
        timeout_graceful_shutdown=int(wanted.seconds) + 5,
        ssl_certfile=wanted.cert_file or None,
        ssl_keyfile=wanted.key_file or None,
    )
    try:
        config.load()
    except (OSError, ValueError) as err:
        raise ConfigError(f"[receive] cert_file and key_file cannot be used: {err}") from err
    return config


def _listen(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        return socket.create_server((address, port), family=family, backlog=256)
    except OSError as err:
        raise InputError(f"[receive] {address} port {port} cannot be listened on: {err.strerror or err}") from err
