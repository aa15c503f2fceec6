"""What went wrong with a mailbox, as one of our errors with one sentence: what, where, what to do.

A server's own words are quoted, shortened and without control characters; a password or token is never in them, because we do not
quote what we sent.
"""

from __future__ import annotations

import re
import socket
import ssl
from datetime import UTC, datetime, timedelta

from imapclient.exceptions import CapabilityError, IMAPClientAbortError, IMAPClientError, ProtocolError

from pipeline.errors import ConfigError, SignInError, TlsrptError, TryAgainError, UnreachableError
from pipeline.mailbox.expired import about_dates

LOST = (IMAPClientAbortError, ProtocolError, OSError)
"""The connection is gone or talks nonsense: a new one may help."""

GONE = (IMAPClientAbortError, OSError)
"""The connection is gone."""

GARBLED = (ValueError, IndexError, KeyError, TypeError, AttributeError, RecursionError)
"""What the library raises on an answer that is not IMAP."""

_BACKOFF = re.compile(r"backoff time:?\s*(\d{1,9})\s*(milliseconds|seconds|ms|s)\b", re.IGNORECASE)
_THROTTLED = re.compile(
    r"throttl|backoff time|bandwidth limit|\[(?:OVERQUOTA|LIMIT|INUSE|UNAVAILABLE)\]|too many (?:simultaneous )?(?:connections|logins)"
    r"|rate limit|temporar(?:y|ily)|try again later",
    re.IGNORECASE,
)
"""Microsoft: `Request is throttled. Suggested Backoff Time: N milliseconds`; Gmail: `[OVERQUOTA] Account exceeded command or
bandwidth limits`, `Too many simultaneous connections`; the codes are those of RFC 5530 §3. SERVERBUG is not among them: it may be
about one message, which must not keep the others back."""

_FOLDER = re.compile(r"\[(?:OVERQUOTA|INUSE|LIMIT)\]|temporar(?:y|ily)", re.IGNORECASE)
_US = re.compile(r"throttl|backoff|bandwidth|command limit|too many|rate limit", re.IGNORECASE)
"""Where a folder is to be changed the first may be about that folder alone (RFC 5530 §3), unless the second comes with it."""

_BROKEN = re.compile(r"\[(?:SERVERBUG|CONTACTADMIN)\]|system error|internal (?:server )?error", re.IGNORECASE)
"""At the sign-in the same words mean that the server is not well, not that the password is wrong."""


def says(err: BaseException) -> str:
    """Return the words of a server or library as one short printable line."""
    text = " ".join(str(arg.decode("utf-8", "replace") if isinstance(arg, bytes) else arg) for arg in err.args) or type(err).__name__
    text = re.sub(r"(?:\[?b'|^b\")(.*?)['\"]\]?$", r"\1", text.strip())
    printable = "".join(char if char.isprintable() else " " for char in text)
    return printable if len(printable) <= 200 else printable[:199] + "…"


def throttled(mailbox: str, err: BaseException, *, now: datetime | None = None) -> TryAgainError | None:
    """Return the error of a server that asks to be left alone for a while, with the time it names; None if it does not.

    Args:
        mailbox: As the sentence begins: `mailbox reports`.
        err: What was raised.
        now: Aware; default: the clock.
    """
    words = says(err)
    if not _THROTTLED.search(words):
        return None
    named = _BACKOFF.search(words)
    if named is None:
        return TryAgainError(f"{mailbox}: the server asks to come back later: {words}")
    seconds = int(named[1]) / (1000 if named[2].lower() in ("milliseconds", "ms") else 1)
    not_before = (now or datetime.now(UTC)) + timedelta(seconds=seconds)
    return TryAgainError(f"{mailbox}: the server throttles us until {not_before:%Y-%m-%d %H:%M:%S} UTC: {words}", not_before=not_before)


def while_connecting(mailbox: str, server: str, err: BaseException, *, ca_file: str) -> TlsrptError:
    """Return the error of a connection that did not come about.

    Args:
        mailbox: As the sentence begins: `mailbox reports`.
        server: host:port.
        err: What was raised.
        ca_file: The private CA in use, for the advice.
    """
    if isinstance(err, CapabilityError):
        return UnreachableError(f'{mailbox}: {server} offers no STARTTLS; use tls = "implicit", or another server')
    if isinstance(err, TimeoutError):
        return TryAgainError(f"{mailbox}: {server} does not answer ({says_os(err)}); the next run tries again")
    if isinstance(err, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return TryAgainError(f"{mailbox}: {server} hung up during the TLS handshake; the next run tries again")
    if isinstance(err, OSError) and not isinstance(err, _HUNG_UP):
        return UnreachableError(f"{mailbox}: {_why_unreachable(server, err, ca_file)}")
    return while_working(mailbox, server, err)


_NO_TLS = {"WRONG_VERSION_NUMBER", "UNKNOWN_PROTOCOL", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG"}
"""What OpenSSL says of an answer that is not TLS; whatever else it says, both sides speak TLS and do not agree."""

_HUNG_UP = (ConnectionResetError, ConnectionAbortedError, BrokenPipeError, ssl.SSLEOFError, ssl.SSLZeroReturnError)


def _why_unreachable(server: str, err: OSError, ca_file: str) -> str:
    if isinstance(err, socket.gaierror):
        return f"the host of {server} cannot be found ({says_os(err)}); check host, and the name servers of this machine"
    if isinstance(err, ssl.SSLCertVerificationError):
        if dated := about_dates(server, err):
            return dated
        advice = f"check ca_file {ca_file}" if ca_file else "set ca_file if the server uses a private CA"
        return f"the certificate of {server} does not verify: {err.verify_message}; {advice}"
    if isinstance(err, ssl.SSLError) and err.reason not in _NO_TLS:
        return (
            f"the TLS handshake with {server} failed ({says_os(err)}); the two may have no version (TLS 1.2, 1.3) or cipher in common, "
            "or the server requires a client certificate"
        )
    if isinstance(err, ssl.SSLError):
        return f'{server} does not speak TLS here ({says_os(err)}); check port, and tls = "implicit" or "starttls"'
    return f"{server} cannot be reached ({says_os(err)}); check host, port and firewall"


def while_signing_in(mailbox: str, server: str, user: str, err: BaseException) -> TlsrptError:
    """Return the error of a sign-in that did not succeed.

    Args:
        mailbox: As the sentence begins: `mailbox reports`.
        server: host:port.
        user: Who was signing in, for the sentence.
        err: What was raised.
    """
    if isinstance(err, LOST):
        return while_working(mailbox, server, err)
    lost = (err.__cause__ or err).__context__
    if isinstance(lost, IMAPClientAbortError):  # a cut in the middle of the sign-in comes as the library's LoginError
        return while_working(mailbox, server, lost)
    late = throttled(mailbox, err)
    if late is not None:
        return late
    if isinstance(err, IMAPClientError) and not _BROKEN.search(says(err)):
        return SignInError(f"{mailbox}: {server} refuses the sign-in of {user}: {says(err)}; check user and password or token")
    return while_working(mailbox, server, err)


def while_working(mailbox: str, server: str, err: BaseException) -> TryAgainError:
    """Return the error of a session that broke off: cut, timed out, throttled, or nonsense.

    Args:
        mailbox: As the sentence begins: `mailbox reports`.
        server: host:port.
        err: What was raised.
    """
    late = throttled(mailbox, err)
    if late is not None:
        return late
    if isinstance(err, TimeoutError):
        return TryAgainError(f"{mailbox}: {server} does not answer in time ({says_os(err)}); the next run continues from there")
    if isinstance(err, (IMAPClientAbortError, OSError)):
        words = says_os(err) if isinstance(err, OSError) else says(err)
        return TryAgainError(f"{mailbox}: the connection to {server} was cut ({words}); the next run continues from there")
    if isinstance(err, (ProtocolError, *GARBLED)):
        return TryAgainError(f"{mailbox}: {server} sent what is not IMAP ({says(err)}); the next run tries again")
    return TryAgainError(f"{mailbox}: {server} refuses: {says(err)}; the next run tries again")


def is_about_the_folder(err: BaseException) -> bool:
    """Return whether a refusal that sounds like throttling may be about a folder that is in use or full."""
    words = says(err)
    return bool(_FOLDER.search(words)) and not _US.search(words)


def refused(mailbox: str, what: str, err: BaseException) -> TlsrptError:
    """Return the error of a server that refuses what `after` wants, while it delivers mail.

    Args:
        mailbox: As the sentence begins: `mailbox reports`.
        what: What is refused.
        err: What was raised.
    """
    words = says(err)
    passing = (_THROTTLED.search(words) and "[OVERQUOTA]" not in words.upper()) or _BROKEN.search(words)
    if passing:
        return TryAgainError(f"{mailbox}: {what} is refused: {words}; the next run tries again")
    return ConfigError(f"{mailbox}: {what} is refused: {words}; mail is still read; change `after`, or the rights on the server")


def no_folder(mailbox: str, folder: str, existing: list[str]) -> ConfigError:
    """Return the error of a folder that is not there, naming the one that was probably meant, else those that are there.

    Args:
        mailbox: As the sentence begins: `mailbox reports`.
        folder: The name that was configured.
        existing: The names of the folders that can be selected.
    """
    below = next((name for name in existing if name.upper().endswith((f".{folder}".upper(), f"/{folder}".upper()))), "")
    if below:
        return ConfigError(f'{mailbox}: there is no folder {folder}; set folder = "{says(ValueError(below))}"')
    shown = ", ".join(says(ValueError(name)) for name in existing[:20]) or "none"
    more = f" and {len(existing) - 20} more" if len(existing) > 20 else ""
    return ConfigError(f"{mailbox}: there is no folder {folder}; the folders are: {shown}{more}")


def says_os(err: OSError) -> str:
    """Return the reason of an operating system error without its number."""
    return (err.strerror or str(err) or type(err).__name__).lower()
