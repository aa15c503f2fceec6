"""An IMAP server on loopback that needs no root: pymap in a thread of its own, TLS from the first byte, one user, one INBOX."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import ssl
import threading
from argparse import Namespace
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from pipeline.demo.mail import DemoMail

_START_SECONDS = 30.0
_LIFETIME = timedelta(days=30)
"""Of the throw-away certificate, by which the connection is verified like a real one."""


class Endpoint(NamedTuple):
    """Where the mailbox can be reached, and what verifies it."""

    host: str
    port: int
    ca_file: Path


@contextmanager
def serve_mailbox(
    mails: Iterable[DemoMail], user: str, password: str, *, folder: Path, uidvalidity: int = 20_260_101
) -> Iterator[Endpoint]:
    """Serve the mails as INBOX of one user on a free port of 127.0.0.1, over TLS, until the block ends.

    Args:
        mails: In the order of their UIDs, from 1.
        user: Name to sign in with.
        password: What the user signs in with.
        folder: Where the throw-away certificate is written.
        uidvalidity: Of INBOX (RFC 9051 §2.3.1.1); the same for the same mails.
    """
    certificate, key = _make_certificate(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    messages = [(mail.received_at, mail.content) for mail in mails]
    server = _Server(messages, user, password, context, uidvalidity)
    thread = threading.Thread(target=server.run, name="demo-imap", daemon=True)
    thread.start()
    try:
        yield Endpoint("127.0.0.1", server.wait_until_ready(), certificate)
    finally:
        server.stop()
        thread.join()


class _Server:
    def __init__(self, messages: list[tuple[datetime, bytes]], user: str, password: str, context: ssl.SSLContext, uidvalidity: int) -> None:
        self._messages, self._user, self._password = messages, user, password
        self._context, self._uidvalidity = context, uidvalidity
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._end = asyncio.Event()
        self._port = 0
        self._failure: BaseException | None = None

    def run(self) -> None:
        """Serve until `stop`; the body of the thread."""
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        except BaseException as err:  # noqa: BLE001 -- handed to the waiting thread
            self._failure = err
        finally:
            self._ready.set()
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()

    def wait_until_ready(self) -> int:
        """Return the port once the server listens."""
        if not self._ready.wait(_START_SECONDS):
            raise RuntimeError("the demo's IMAP server did not start")
        if self._failure is not None:
            raise self._failure
        return self._port

    def stop(self) -> None:
        """Make the server end its connections and itself."""
        with suppress(RuntimeError):  # the loop is closed already
            self._loop.call_soon_threadsafe(self._end.set)

    async def _serve(self) -> None:
        from proxyprotocol.reader import ProxyProtocolReader
        from pymap.imap import IMAPServer

        login, config = await self._backend()
        reader = ProxyProtocolReader(config.proxy_protocol)
        callback = reader.get_callback(IMAPServer(login, config))
        writers: set[asyncio.StreamWriter] = set()

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writers.add(writer)
            await callback(reader, writer)

        server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=self._context)
        self._port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._end.wait()
        server.close()
        connections = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
        for writer in writers:
            writer.transport.abort()
        await asyncio.sleep(0.01)  # an aborted transport closes its socket in the next turn of the loop

    async def _backend(self) -> tuple[Any, Any]:
        from pymap.backend.dict import DictBackend
        from pymap.backend.dict.filter import FilterSet
        from pymap.concurrent import Subsystem
        from pymap.context import subsystem
        from pysasl.hashing import BuiltinHash

        from pipeline.demo.imap_mailbox import filled

        args = Namespace(
            debug=False,
            host="127.0.0.1",
            port=0,
            cert=None,
            key=None,
            tls=False,
            proxy_protocol=None,
            passlib_cfg=None,
            demo_data=False,
            demo_user=self._user,
            demo_password=self._password,
        )
        # Few rounds: the password guards synthetic mail on loopback. No threads: nothing here needs them.
        overrides = {"hash_context": BuiltinHash(rounds=1000), "cpu_subsystem": Subsystem.for_asyncio(), "reject_dnsbl": False}
        subsystem.set(Subsystem.for_asyncio())
        backend, config = await DictBackend.init(args, **overrides)
        config.apply_context()
        config.set_cache[self._user] = (filled(self._messages, uidvalidity=self._uidvalidity), FilterSet())
        return backend.login, config


def _make_certificate(folder: Path) -> tuple[Path, Path]:
    """Write a self-signed certificate for 127.0.0.1 and localhost, and its key, into the folder, over older ones; both as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tlsrpt demo")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + _LIFETIME)
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.KeyUsage(
                digital_signature=True,
                key_cert_sign=True,
                crl_sign=False,
                content_commitment=False,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    folder.mkdir(parents=True, exist_ok=True)
    files = folder / "imap.crt", folder / "imap.key"
    files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    descriptor = os.open(files[1], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return files
