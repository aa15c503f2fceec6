"""A signed-in session that survives cuts: it connects again, selects the same folder, and checks that it is still the same folder."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from imapclient.exceptions import IMAPClientError

from pipeline import log
from pipeline.errors import TlsrptError, TryAgainError, UnreachableError
from pipeline.mailbox import imap_errors
from pipeline.mailbox.deadline import Deadline
from pipeline.mailbox.greeting import close, greeted, out_of_time, server_of, where_of
from pipeline.mailbox.imap_sign_in import TokenSource, sign_in
from pipeline.mailbox.selecting import FolderState, selected

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.mailbox.connection import Client
    from pipeline.settings.mailbox_tables import MailboxSettings

Answer = TypeVar("Answer")

_GOODBYE_SECONDS = 5.0


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
        self.where = where_of(settings)
        self.server = server_of(settings)
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
        client = greeted(self.settings, self.deadline, self._largest_literal)
        try:
            sign_in(client, self.settings, self._token)
        except TlsrptError:
            close(client)
            raise
        except (IMAPClientError, OSError, *imap_errors.GARBLED) as err:
            close(client)
            raise out_of_time(self.settings, self.deadline) or imap_errors.while_signing_in(
                self.where, self.server, self.settings.user, err
            ) from err
        self._client = client

    def close(self, *, politely: bool) -> None:
        """Close the connection, after a LOGOUT where `politely`; whatever state it is in."""
        if self._client is None:
            return
        if politely:
            # A short wait: the rows are committed, and nothing depends on the goodbye.
            self.deadline.wait = min(self.deadline.wait, _GOODBYE_SECONDS)
        close(self._client, politely=politely)
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

    def _selected(self, client: Client, folder: str, *, read_only: bool) -> FolderState:
        return selected(client, folder, mailbox=self.where, user=self.settings.user, read_only=read_only)

    def _recover(self, err: BaseException) -> None:
        """Make a new connection after a loss.

        Raises:
            TryAgainError: There is no point in it.
        """
        self._losses += 1
        late = out_of_time(self.settings, self.deadline) or imap_errors.throttled(self.where, err)
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
                if isinstance(again, FolderChangedError) or again.not_before is not None or out_of_time(self.settings, self.deadline):
                    raise
                failure = again
            else:
                return
        raise failure from err

    def _reconnect(self, attempt: int) -> None:
        if self._client is not None:
            close(self._client)
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
