"""A mailbox over IMAP (RFC 9051, RFC 3501): which messages are new, and their bytes, in chunks.

Whole messages are fetched (`BODY.PEEK[]`: a DKIM signature needs every byte), but never one over the size limit: its size is asked
first, and it is handed on without its content. A message the server lists and does not deliver is left for the next run and
counted in `unanswered`; it stops nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from pipeline.errors import ConfigError, TryAgainError
from pipeline.mailbox.fetching import Fetching
from pipeline.mailbox.idle import wait_for_mail
from pipeline.mailbox.oauth import token_source
from pipeline.mailbox.searching import windows
from pipeline.mailbox.selecting import BEYOND_ALL_UIDS, FolderState
from pipeline.mailbox.session import Pace, Session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import TracebackType

    from pipeline.mailbox.imap_sign_in import TokenSource
    from pipeline.message.fetched import Fetched
    from pipeline.report.limits import Limits
    from pipeline.settings.mailbox_tables import MailboxSettings

_SEARCHES = 3
"""How often a folder is searched whose messages are not all listed: others may remove some in between."""


class ImapMailbox:
    """A configured mailbox, signed in for as long as the `with` block lasts.

    Args:
        settings: Where, as whom, which folder.
        limits: `message_bytes` is what is fetched at most.
        token: Gives access tokens; default: made from `settings.oauth2`.
        pace: How much is asked at once.

    Raises:
        ConfigError: oauth2 wants a package that is not installed, or a file that is missing.
    """

    def __init__(self, settings: MailboxSettings, limits: Limits, *, token: TokenSource | None = None, pace: Pace | None = None) -> None:
        self.settings = settings
        self.limits = limits
        self.unanswered: list[int] = []
        """UIDs of the open folder that the server lists and did not deliver; they stay new."""
        self.vanished: list[int] = []
        """UIDs that were there when we searched and are gone: somebody else removed them."""
        self.unlisted = 0
        """Messages that the server counts in the open folder and does not list by UID."""
        pace = pace or Pace()
        largest = 2 * max(limits.message_bytes, pace.whole_bytes)
        token = token or token_source(settings)
        self.session = Session(settings, token=token, pace=pace, largest_literal=largest)
        """For this package alone."""
        self.folder = ""
        """The open folder."""
        self._state: FolderState | None = None

    def __enter__(self) -> Self:
        """Connect and sign in.

        Raises:
            TlsrptError: See `Session.connect`.
        """
        self.session.deadline.restart()
        self.session.connect()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        # After an error an answer may still be on its way: no goodbye, it would be read to its end first.
        self.session.close(politely=kind is None)

    @property
    def reconnects(self) -> int:
        """How often the connection was lost and made anew."""
        return self.session.reconnects

    @property
    def state(self) -> FolderState:
        """What the server said of the open folder."""
        assert self._state is not None, "open a folder first"  # noqa: S101 -- a mistake of the caller
        return self._state

    def capabilities(self) -> frozenset[str]:
        """Return what the server says it can do, upper-case (RFC 9051 §6.1.1).

        Raises:
            TryAgainError: Cut, throttled, timed out.
        """
        names: tuple[bytes, ...] = self.session.do(lambda client: client.capabilities())
        return frozenset(name.decode("ascii", "replace").upper() for name in names)

    def open(self, folder: str) -> FolderState:
        """Select a folder: with EXAMINE where `after = "keep"`, so that nothing in it can change.

        Raises:
            ConfigError: There is no such folder; the sentence names those that exist.
            TryAgainError: Cut, throttled, timed out.
        """
        self._state = self.session.select(folder)
        self.folder = folder
        self.unanswered, self.vanished, self.unlisted = [], [], 0
        return self._state

    def new_uids(self, missing: Callable[[Sequence[int]], list[int]]) -> list[int]:
        """Return the UIDs in the folder that the ledger does not know, ascending; `missing` returns those of some.

        The folder is searched in windows of UIDs: an answer is one line, and a line has a limit.

        `EXISTS` says how many there are. Where the search finds fewer, UIDNEXT may be too low, or somebody has removed mail since: it is
        searched beyond UIDNEXT, then the folder is opened anew, before the server is not believed. How many it still does not list is
        in `unlisted`.

        Raises:
            ConfigError: There is mail in the folder, and the server lists none of it.
            TryAgainError: Cut, throttled, timed out.
        """
        fresh = self._search(missing)
        for _ in range(_SEARCHES - 1):
            if not self.unlisted:
                break
            self._open_anew()
            fresh = self._search(missing)
        if 0 < self.state.exists == self.unlisted:
            raise ConfigError(
                f"{self.session.where}: folder {self.folder} holds {self.state.exists:,} messages, but {self.session.server} lists none of "
                "them by UID; nothing can be read from it, please report this server"
            )
        return fresh

    def _search(self, missing: Callable[[Sequence[int]], list[int]]) -> list[int]:
        fresh: list[int] = []
        listed = 0
        for uids in self._listed():
            listed += len(uids)
            fresh.extend(missing(uids))
        self.unlisted = max(0, self.state.exists - listed)
        return fresh

    def _open_anew(self) -> None:
        before = self.state
        if self.open(self.folder).uidvalidity != before.uidvalidity:
            raise TryAgainError(f"{self.session.where}: folder {self.folder} was recreated while it was being read; the next run reads it")

    def _listed(self) -> Iterator[list[int]]:
        """Yield the UIDs in the folder, and only where some are missing those from UIDNEXT on."""
        listed = 0
        for uids in windows(self.session, self.state):
            listed += len(uids)
            yield uids
        if listed < self.state.exists:
            yield from windows(self.session, self.state, first=self.state.uidnext, last=BEYOND_ALL_UIDS - 1)

    def fetch(self, uids: Sequence[int]) -> Iterator[list[Fetched]]:
        """Yield the messages in chunks of up to 200 or 8 MB, in the order given.

        Raises:
            TryAgainError: Cut too often, throttled, timed out; chunks already yielded stand.
        """
        fetching = Fetching(self.session, self.limits, account=self.settings.name, folder=self.folder, uidvalidity=self.state.uidvalidity)
        try:
            yield from fetching.chunks(uids)
        finally:
            self.unanswered += fetching.unanswered
            self.vanished += fetching.vanished

    def wait(self, seconds: float, *, stop: Callable[[], bool] = lambda: False) -> bool:
        """Wait for mail newer than when the folder was opened, and return whether there is some. Begins a new deadline.

        Args:
            seconds: At most.
            stop: Looked at every second; True ends the wait.

        Raises:
            TryAgainError: Cut too often, throttled.
        """
        arrived = wait_for_mail(self.session, self.folder, self.state, seconds, stop)
        self.session.deadline.restart()
        return arrived
