"""A signed-in session that survives cuts: it connects again, selects the same folder, and checks that it is still the same folder."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

from imapclient.exceptions import IMAPClientError, IMAPClientReadOnlyError

from pipeline import log
from pipeline.errors import ConfigError, TlsrptError, TryAgainError, UnreachableError
from pipeline.mailbox import imap_errors
from pipeline.mailbox.connection import Client, speaks_tls, tls_context
from pipeline.mailbox.deadline import Deadline
from pipeline.mailbox.imap_sign_in import TokenSource, sign_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.settings.mailbox_tables import MailboxSettings

Answer = TypeVar("Answer")

_GOODBYE_SECONDS = 5.0

BEYOND_ALL_UIDS = 2**32
"""A UID has 32 bits (RFC 9051 §2.3.1.1)."""


class Pace(NamedTuple):
    """How much is asked of a server at once, and how patient we are."""

    search_uids: int = 50_000
    """UIDs per SEARCH answer: imaplib reads lines of a million bytes, and a UID has up to ten digits."""
    size_messages: int = 500
    """Messages per FETCH of sizes: a command line of ours stays under 8 KB (RFC 9051 §4, LITERAL aside)."""
    chunk_messages: int = 200
    """Messages per FETCH of bodies: beyond, memory grows and speed does not."""
    chunk_bytes: int = 8 * 1024 * 1024
    whole_bytes: int = 1024 * 1024
    """A larger message is fetched in pieces of this size (RFC 9051 §6.4.5, partial fetch)."""
    pause_seconds: float = 0.25
    """Before the first reconnect; doubles up to `longest_pause_seconds`."""
    longest_pause_seconds: float = 4.0
    losses: int = 25
    """Connections lost in a row, with nothing delivered in between, before we give up; a few messages that break the server, one
    after the other, have to fit: each is found by halving its chunk."""
    refusals: int = 5
    """Attempts to connect again, in a row, before we give up."""


class FolderState(NamedTuple):
    """What the server said when the folder was selected (RFC 9051 §6.3.2)."""

    uidvalidity: int
    uidnext: int
    exists: int
    read_only: bool
    flags: frozenset[str] | None = None
    """PERMANENTFLAGS, lower-case: the flags that last, and `\\*` where keywords can be made; None where the server names none."""


class ConnectionLostError(Exception):
    """The connection was lost and made anew; the caller knows what to repeat. Never leaves this package."""


class FolderChangedError(TryAgainError):
    """The folder is another one than before: a new connection does not help."""


class Session:
    """One account on one server.

    Args:
        settings: Where and as whom.
        token: For oauth2.
        pace: How much at once.
        largest_literal: Bytes; more in one piece is refused.
    """

    def __init__(self, settings: MailboxSettings, *, token: TokenSource | None, pace: Pace, largest_literal: int) -> None:
        self.settings = settings
        self.where = f"mailbox {settings.name}"
        self.server = f"{settings.host}:{settings.effective_port}"
        self.pace = pace
        self.deadline = Deadline(seconds=settings.deadline, wait=settings.read_timeout)
        self.reconnects = 0
        self._token = token
        self._largest_literal = largest_literal
        self._client: Client | None = None
        self._folder: tuple[str, FolderState] | None = None
        self._losses = 0

    def connect(self) -> None:
        """Connect and sign in.

        Raises:
            UnreachableError: Host unknown, refused, or a certificate that does not verify.
            SignInError: The sign-in is refused.
            TryAgainError: Timed out, cut, throttled.
            ConfigError: ca_file cannot be read, or there is no password.
        """
        client = self._greeted()
        try:
            sign_in(client, self.settings, self._token)
        except TlsrptError:
            _close(client)
            raise
        except (IMAPClientError, OSError, *imap_errors.GARBLED) as err:
            _close(client)
            raise self._late() or imap_errors.while_signing_in(self.where, self.server, self.settings.user, err) from err
        self._client = client

    def close(self, *, politely: bool) -> None:
        """Close the connection, after a LOGOUT where `politely`; whatever state it is in."""
        if self._client is None:
            return
        if politely:
            # A short wait: the rows are committed, and nothing depends on the goodbye.
            self.deadline.wait = min(self.deadline.wait, _GOODBYE_SECONDS)
        _close(self._client, politely=politely)
        self._client = None
        self.deadline.wait = self.settings.read_timeout

    def select(self, folder: str, *, read_only: bool = False) -> FolderState:
        """Select the folder; read-only where that is asked, where the mailbox is only read, or where it may not be changed.

        Raises:
            ConfigError: There is no such folder.
            TryAgainError: Cut, throttled, timed out.
        """
        self._folder = None
        read_only = read_only or self.settings.after == "keep"
        state = self.do(lambda client: self._selected(client, folder, read_only=read_only))
        self._folder = (folder, state)
        return state

    def select_again(self, folder: str, uidvalidity: int) -> None:
        """Select a folder that was selected before.

        Raises:
            TryAgainError: See `select`; also where it is another folder now.
        """
        self._same(folder, uidvalidity, self.select(folder))

    def once(self, operation: Callable[[Client], Answer], *, progress: bool = True) -> Answer:
        """Run an operation on the selected folder.

        Args:
            operation: What to do with the client.
            progress: Whether its success means that we are getting on, so that earlier losses are forgiven.

        Raises:
            ConnectionLostError: The connection was lost; there is a new one, with the same folder selected.
            IMAPClientError: The server refuses.
            TryAgainError: Lost too often, throttled, out of time, or the folder is another one now.
        """
        assert self._client is not None, "not connected"  # noqa: S101 -- a mistake of ours
        try:
            answer = operation(self._client)
        except (*imap_errors.LOST, *imap_errors.GARBLED) as err:
            self._recover(err)
            raise ConnectionLostError(imap_errors.says(err)) from err
        except IMAPClientError as err:
            if "got more than" in str(err):
                # A line beyond imaplib's limit: the rest of it is still to come, so that the connection is of no use.
                self._recover(err)
                raise ConnectionLostError(imap_errors.says(err)) from err
            late = imap_errors.throttled(self.where, err)
            if late is not None:
                raise late from err
            raise
        if progress:
            self._losses = 0
        return answer

    def do(self, operation: Callable[[Client], Answer], *, progress: bool = True) -> Answer:
        """Run an operation that may be repeated, until it succeeds or the connection was lost too often.

        Raises:
            TryAgainError: See `once`; also where the server refuses.
        """
        while True:
            try:
                return self.once(operation, progress=progress)
            except ConnectionLostError:
                continue
            except IMAPClientError as err:
                raise imap_errors.while_working(self.where, self.server, err) from err

    def _greeted(self) -> Client:
        """Connect, and read the greeting.

        On a port for TLS from the first byte a server waits for us to begin, while without TLS we wait for its greeting: where that
        does not come soon, we look whether it is such a port before we are patient.
        """
        settings = self.settings
        if settings.tls == "implicit":
            return self._connected()
        self.deadline.wait = min(settings.connect_timeout, settings.read_timeout)
        try:
            return self._connected()
        except TryAgainError:
            if speaks_tls(settings.host, settings.effective_port, self.deadline.wait):
                raise UnreachableError(
                    f'{self.where}: {self.server} expects TLS from the first byte; set tls = "implicit", or another port'
                ) from None
            if self.deadline.wait >= settings.read_timeout or self._late():
                raise
        finally:
            self.deadline.wait = settings.read_timeout
        return self._connected()

    def _connected(self) -> Client:
        settings = self.settings
        try:
            context = None if settings.tls == "none" else tls_context(settings.ca_file, self.deadline)
        except OSError as err:
            raise ConfigError(f"{self.where}: ca_file {settings.ca_file} cannot be used: {imap_errors.says_os(err)}") from err
        client: Client | None = None
        try:
            client = Client(
                settings.host,
                settings.effective_port,
                context=context if settings.tls == "implicit" else None,
                deadline=self.deadline,
                connect_timeout=settings.connect_timeout,
                largest_literal=self._largest_literal,
            )
            if settings.tls == "starttls":
                client.starttls(context)
        except (IMAPClientError, OSError, *imap_errors.GARBLED) as err:
            if client is not None:
                _close(client)
            raise self._late() or imap_errors.while_connecting(self.where, self.server, err, ca_file=settings.ca_file) from err
        return client

    def _selected(self, client: Client, folder: str, *, read_only: bool) -> FolderState:
        try:
            answer = client.select_folder(folder, readonly=read_only)
        except IMAPClientError as err:
            if isinstance(err, imap_errors.LOST) and not isinstance(err, IMAPClientReadOnlyError):
                raise
            if read_only or imap_errors.throttled(self.where, err):
                raise self._why_not(client, folder, err) from err
            # What may not be changed can be read all the same; what `after` wants is refused then.
            read_only = True
            answer = self._examined(client, folder, err)
        if b"UIDVALIDITY" not in answer:
            raise ConfigError(f"{self.where}: folder {folder} has no persistent UIDs (no UIDVALIDITY); this server cannot be polled")
        uidnext = answer.get(b"UIDNEXT") or _asked_uidnext(client, folder)
        permanent = answer.get(b"PERMANENTFLAGS")
        flags = None if permanent is None else frozenset(bytes(flag).decode("ascii", "replace").lower() for flag in permanent)
        return FolderState(int(answer[b"UIDVALIDITY"]), int(uidnext), int(answer[b"EXISTS"]), read_only, flags)

    def _examined(self, client: Client, folder: str, err: IMAPClientError) -> dict[bytes, Any]:
        """Open a folder read-only that the server does not open for changes, for the reason `err`."""
        try:
            return cast("dict[bytes, Any]", client.select_folder(folder, readonly=True))
        except imap_errors.LOST:
            raise
        except IMAPClientError:
            raise self._why_not(client, folder, err) from err

    def _why_not(self, client: Client, folder: str, err: IMAPClientError) -> TlsrptError:
        late = imap_errors.throttled(self.where, err)
        if late is not None:
            return late
        existing = [name for flags, _, name in client.list_folders() if b"\\Noselect" not in flags]
        if folder not in existing and folder.upper() != "INBOX":
            return imap_errors.no_folder(self.where, folder, existing)
        return ConfigError(
            f"{self.where}: folder {folder} cannot be opened: {imap_errors.says(err)}; check the rights of {self.settings.user}"
        )

    def _recover(self, err: BaseException) -> None:
        """Make a new connection after a loss.

        Raises:
            TryAgainError: There is no point in it.
        """
        self._losses += 1
        late = self._late() or imap_errors.throttled(self.where, err)
        if late is not None:
            raise late from err
        log.warning("connection-lost", mailbox=self.settings.name, times=self._losses, reason=imap_errors.says(err))
        failure = imap_errors.while_working(self.where, self.server, err)
        if self._losses > self.pace.losses:
            raise failure from err
        for refusals in range(self.pace.refusals):
            try:
                self._reconnect(self._losses + refusals)
            except UnreachableError as refused:
                failure = TryAgainError(str(refused))
            except TryAgainError as again:
                if isinstance(again, FolderChangedError) or again.not_before is not None or self._late():
                    raise
                failure = again
            else:
                return
        raise failure from err

    def _reconnect(self, attempt: int) -> None:
        if self._client is not None:
            _close(self._client)
            self._client = None
        pause = min(self.pace.pause_seconds * 2 ** (attempt - 1), self.pace.longest_pause_seconds)
        time.sleep(min(self.deadline.left, pause))
        self.connect()
        self.reconnects += 1
        if self._folder is not None:
            self._select_after_loss(*self._folder)

    def _select_after_loss(self, folder: str, before: FolderState) -> None:
        assert self._client is not None  # noqa: S101 -- connect has just set it
        try:
            state = self._selected(self._client, folder, read_only=before.read_only)
        except (*imap_errors.LOST, *imap_errors.GARBLED) as err:
            raise imap_errors.while_working(self.where, self.server, err) from err
        self._same(folder, before.uidvalidity, state)

    def _same(self, folder: str, uidvalidity: int, state: FolderState) -> None:
        if state.uidvalidity != uidvalidity:
            raise FolderChangedError(
                f"{self.where}: folder {folder} was recreated while it was being read (UIDVALIDITY {uidvalidity}, "
                f"now {state.uidvalidity}); the next run reads it from the start"
            )

    def _late(self) -> TryAgainError | None:
        if self.deadline.left > 0:
            return None
        return TryAgainError(
            f"{self.where}: the {self.deadline.seconds:g} seconds for one run (deadline) are used up at {self.server}; "
            "the next run continues from there"
        )


def _asked_uidnext(client: Client, folder: str) -> int:
    """Return UIDNEXT of the selected folder where SELECT did not name it, as RFC 9051 §6.3.2 wants.

    Courier leaves it out and finds nothing for `UID SEARCH UID *`, but answers STATUS; other servers know `*` alone. Where neither says
    anything the whole range of UIDs is searched: a number too low would hide mail.
    """

    def status() -> int:
        return int(client.folder_status(folder, ["UIDNEXT"])[b"UIDNEXT"])

    def last() -> int:
        return max(map(int, client.search(["UID", "*"]))) + 1

    for ask in (status, last):
        try:
            return ask()
        except imap_errors.GONE:
            raise
        except (IMAPClientError, *imap_errors.GARBLED):
            continue
    return BEYOND_ALL_UIDS


def _close(client: Client, *, politely: bool = False) -> None:
    """Close a connection, whatever state it is in."""
    try:
        if politely:
            client.logout()
        else:
            client.shutdown()
    except (IMAPClientError, OSError, *imap_errors.GARBLED):
        if politely:
            _close(client)
