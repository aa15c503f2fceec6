"""What a run asks the ledger, whether it writes the lake or only rehearses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.lake.dedup.ledger import Known, Ledger

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from pipeline.lake.storage.location import Location
    from pipeline.message.sender import Sender
    from pipeline.tables.row_types import MessageRow


class AsksLedger:
    """The questions; each raises LakeError where the lake cannot be read."""

    location: Location
    _ledger: Ledger | None = None
    """None where there is no lake yet: nothing is known."""

    def known_uids(self, account: str, folder: str, uidvalidity: int) -> Known:
        """Return the UIDs of a folder that are in the ledger; ask its `.missing(uids)`.

        Args:
            account: The name of the mailbox.
            folder: Its folder, as in the ledger.
            uidvalidity: UIDs under another UIDVALIDITY are other messages and are not known.

        Raises:
            LakeError: The lake cannot be read.
        """
        if self._ledger is None:
            return Known()
        with self.location.errors("read"):
            return self._ledger.uids(account, folder, uidvalidity)

    def uidvalidities(self, account: str, folder: str) -> set[int]:
        """Return the UIDVALIDITY values under which the ledger knows a folder; another one means it was made anew."""
        with self.location.errors("read"):
            return self._ledger.uidvalidities(account, folder) if self._ledger else set()

    def settled_uids(self, account: str, folder: str, uidvalidity: int, *, since: datetime) -> list[tuple[int, str]]:
        """Return UID and outcome of the messages of a folder that were first ingested since then; `pending` while the DNS is awaited.

        Args:
            account: The name of the mailbox.
            folder: Its folder, as in the ledger.
            uidvalidity: The UIDVALIDITY under which the UIDs hold.
            since: The moment, aware; inclusive.

        Raises:
            LakeError: The lake cannot be read.
        """
        with self.location.errors("read"):
            return self._ledger.settled_uids(account, folder, uidvalidity, since) if self._ledger else []

    def known_items(self, accounts: Sequence[str], items: Sequence[str]) -> dict[str, tuple[str, datetime]]:
        """Return those of these names at a source that the ledger has: what became of it, and when it was first ingested."""
        with self.location.errors("read"):
            return self._ledger.items(accounts, items) if self._ledger and items else {}

    def known_files(self, hashes: Iterable[str]) -> set[str]:
        """Return those of these sha256 values whose bytes were imported from files already."""
        with self.location.errors("read"):
            return self._ledger.file_hashes(hashes) if self._ledger else set()

    def unvouched_since(self, moment: datetime) -> list[Sender]:
        """Return who sent the messages first ingested since then for which the operator does not vouch."""
        with self.location.errors("read"):
            return self._ledger.unvouched_since(moment) if self._ledger else []

    def waiting_for_dns(self, since: datetime) -> list[MessageRow]:
        """Return the messages first ingested since then whose DKIM key could not be looked up."""
        with self.location.errors("read"):
            return self._ledger.waiting_for_dns(since) if self._ledger else []

    def last_ingest(self) -> datetime | None:
        """Return when a message was last ingested; None where nothing was."""
        with self.location.errors("read"):
            return self._ledger.last_ingest() if self._ledger else None
