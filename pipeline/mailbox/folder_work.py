"""Commands that change the open folder, each repeated over a lost connection, and a refusal told from a failure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from imapclient.exceptions import IMAPClientError

from pipeline.errors import ConfigError, TlsrptError, TryAgainError
from pipeline.mailbox import imap_errors
from pipeline.mailbox.searching import uid_set
from pipeline.mailbox.session import ConnectionLostError, Session

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipeline.mailbox.connection import Client
    from pipeline.mailbox.copying import Journal
    from pipeline.mailbox.selecting import FolderState


class RefusedError(Exception):
    """The server refuses; never leaves this package."""

    def __init__(self, error: TlsrptError) -> None:
        super().__init__(str(error))
        self.error = error


class FolderWork:
    """One folder, selected and writable, what is done in it, and what was done so far."""

    def __init__(self, session: Session, state: FolderState, folder: str, journal: Journal) -> None:
        self.session = session
        self.state = state
        self.folder = folder
        self.journal = journal
        self.done: Counter[str] = Counter()

    def attempt(self, step: Callable[[], None]) -> list[TlsrptError]:
        """Do a step, and return what was refused."""
        try:
            step()
        except RefusedError as err:
            return [err.error]
        except ConfigError as err:
            return [err]
        return []

    def ask(self, what: str, command: Callable[[Client], object]) -> None:
        """Run a command that can be repeated.

        Raises:
            RefusedError: The server says no.
            TryAgainError: Cut too often, throttled, timed out.
        """
        while True:
            try:
                self.once(what, command)
            except ConnectionLostError:
                continue
            return

    def once(self, what: str, command: Callable[[Client], object]) -> None:
        """Run a command; the caller knows what to do where the connection is lost and made anew.

        Raises:
            ConnectionLostError: See `Session.once`.
            RefusedError: See `ask`.
            TryAgainError: See `ask`.
        """
        try:
            self.session.once(command)
        except IMAPClientError as err:
            raise self.refused(what, err) from err
        except TryAgainError as err:
            # A busy or full folder is one thing, a server that wants to be left alone another.
            said = err.__cause__
            if isinstance(said, IMAPClientError) and not isinstance(said, imap_errors.LOST) and imap_errors.is_about_the_folder(said):
                raise self.refused(what, said) from said
            raise

    def refused(self, what: str, err: BaseException) -> RefusedError:
        """Return the refusal of `what`, with the folder and what the server said."""
        return RefusedError(imap_errors.refused(f"{self.session.where}, folder {self.folder}", what, err))

    def read_only(self) -> ConfigError:
        """Return the error of a folder that may not be changed."""
        return ConfigError(f'{self.session.where}: folder {self.folder} is read-only; set after = "keep", or get the right to change it')

    def still(self, uids: Sequence[int], *criteria: str) -> list[int]:
        """Return those UIDs that are in the folder, and match."""
        found = self.session.do(lambda client: client.search(["UID", uid_set(uids), *criteria]))
        return sorted(set(uids) & set(found))

    def ignored(self, what: str, left: Sequence[int]) -> None:
        """Refuse where the server said OK and did nothing."""
        if left:
            raise self.refused(what, IMAPClientError("the server replies OK but does not do it"))
