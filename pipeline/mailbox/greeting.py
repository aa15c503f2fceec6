"""To the greeting of a mail server and, in the end, away from it again: host, port, TLS, and the time that may take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imapclient.exceptions import IMAPClientError

from pipeline.errors import ConfigError, TryAgainError, UnreachableError
from pipeline.mailbox import imap_errors
from pipeline.mailbox.connection import Client, speaks_tls, tls_context

if TYPE_CHECKING:
    from pipeline.mailbox.deadline import Deadline
    from pipeline.settings.mailbox_tables import MailboxSettings


def where_of(settings: MailboxSettings) -> str:
    """Return the mailbox, as errors begin."""
    return f"mailbox {settings.name}"


def server_of(settings: MailboxSettings) -> str:
    """Return host and port, as errors name them."""
    return f"{settings.host}:{settings.effective_port}"


def greeted(settings: MailboxSettings, deadline: Deadline, largest_literal: int) -> Client:
    """Connect, and read the greeting.

    On a port for TLS from the first byte a server waits for us to begin, while without TLS we wait for its greeting: where that
    does not come soon, we look whether it is such a port before we are patient.

    Args:
        settings: Host, port, TLS, and how patient we are.
        deadline: Of the whole run over this mailbox; how long one wait may take is that of `settings` again in the end.
        largest_literal: Bytes; more in one piece is refused.

    Raises:
        UnreachableError: Host unknown, refused, a certificate that does not verify, or the wrong kind of port.
        TryAgainError: Timed out, cut, throttled.
        ConfigError: ca_file cannot be used.
    """
    if settings.tls == "implicit":
        return _connected(settings, deadline, largest_literal)
    deadline.wait = min(settings.connect_timeout, settings.read_timeout)
    try:
        return _connected(settings, deadline, largest_literal)
    except TryAgainError:
        if speaks_tls(settings.host, settings.effective_port, deadline.wait):
            raise UnreachableError(
                f'{where_of(settings)}: {server_of(settings)} expects TLS from the first byte; set tls = "implicit", or another port'
            ) from None
        if deadline.wait >= settings.read_timeout or out_of_time(settings, deadline):
            raise
    finally:
        deadline.wait = settings.read_timeout
    return _connected(settings, deadline, largest_literal)


def _connected(settings: MailboxSettings, deadline: Deadline, largest_literal: int) -> Client:
    try:
        context = None if settings.tls == "none" else tls_context(settings.ca_file, deadline)
    except OSError as err:
        raise ConfigError(f"{where_of(settings)}: ca_file {settings.ca_file} cannot be used: {imap_errors.says_os(err)}") from err
    client: Client | None = None
    try:
        client = Client(
            settings.host,
            settings.effective_port,
            context=context if settings.tls == "implicit" else None,
            deadline=deadline,
            connect_timeout=settings.connect_timeout,
            largest_literal=largest_literal,
        )
        if settings.tls == "starttls":
            client.starttls(context)
    except (IMAPClientError, OSError, *imap_errors.GARBLED) as err:
        if client is not None:
            close(client)
        failure = imap_errors.while_connecting(where_of(settings), server_of(settings), err, ca_file=settings.ca_file)
        raise out_of_time(settings, deadline) or failure from err
    return client


def out_of_time(settings: MailboxSettings, deadline: Deadline) -> TryAgainError | None:
    """Return the error of a mailbox whose time is used up; None while there is some left."""
    if deadline.left > 0:
        return None
    return TryAgainError(
        f"{where_of(settings)}: the {deadline.seconds:g} seconds for one run (deadline) are used up at {server_of(settings)}; "
        "the next run continues from there"
    )


def close(client: Client, *, politely: bool = False) -> None:
    """Close a connection, after a LOGOUT where `politely`; whatever state it is in."""
    try:
        if politely:
            client.logout()
        else:
            client.shutdown()
    except (IMAPClientError, OSError, *imap_errors.GARBLED):
        if politely:
            close(client)
