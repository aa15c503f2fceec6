"""A certificate of a mail server that is out of date: whose it is and since when, which the failed handshake does not say."""

from __future__ import annotations

import imaplib
import socket
import ssl
from contextlib import suppress
from datetime import UTC, datetime

_SECONDS = 5.0
_EXPIRED, _NOT_YET = 10, 9
"""X509_V_ERR_CERT_HAS_EXPIRED and X509_V_ERR_CERT_NOT_YET_VALID of OpenSSL."""


def about_dates(server: str, err: ssl.SSLCertVerificationError) -> str | None:
    """Return what is wrong with the dates of a certificate, in one sentence; None where they are not what is wrong.

    Args:
        server: host:port.
        err: What the handshake ended with.
    """
    if err.verify_code not in (_EXPIRED, _NOT_YET):
        return None
    whose, begins, ends = _look(server)
    if err.verify_code == _NOT_YET:
        when = f" before {begins:%Y-%m-%d %H:%M} UTC" if begins else " yet"
        return f"the certificate of {server}{whose} is not valid{when}; check the clock of this machine"
    when = f" on {ends:%Y-%m-%d %H:%M} UTC, {(datetime.now(UTC) - ends).days} days ago" if ends and ends < datetime.now(UTC) else ""
    return f"the certificate of {server}{whose} has expired{when}; the operator of that mail server has to renew it"


def _look(server: str) -> tuple[str, datetime | None, datetime | None]:
    """Return whose certificate it is and its dates, from a second handshake that believes nothing and tells nothing."""
    from cryptography import x509

    host, _, port = server.rpartition(":")
    shown = _shown_by(host.strip("[]"), int(port))
    try:
        found = x509.load_der_x509_certificate(shown or b"")
    except ValueError:
        return "", None, None
    try:
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(x509.DNSName)
    except (x509.ExtensionNotFound, ValueError):
        names = []
    whose = ", ".join("".join(char for char in name if char.isprintable()) for name in names[:3])
    return f" (for {whose})" if whose else "", found.not_valid_before_utc, found.not_valid_after_utc


def _shown_by(host: str, port: int) -> bytes | None:
    """Return the certificate a server shows, over TLS from the first byte or after STARTTLS (RFC 9051 §6.2.1)."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with (
        suppress(OSError),
        socket.create_connection((host, port), timeout=_SECONDS) as plain,
        context.wrap_socket(plain, server_hostname=host) as secure,
    ):
        return secure.getpeercert(binary_form=True)
    with suppress(OSError, imaplib.IMAP4.error):
        client = imaplib.IMAP4(host, port, timeout=_SECONDS)
        try:
            client.starttls(context)
            certificate: bytes | None = client.sock.getpeercert(binary_form=True)  # type: ignore[attr-defined]  # it is TLS by now
            return certificate
        finally:
            client.shutdown()
    return None
