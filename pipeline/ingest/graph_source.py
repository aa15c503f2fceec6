"""A mailbox of Microsoft 365 through Microsoft Graph, where IMAP is switched off: the mail itself (`$value`), so that signatures verify.

A message has an immutable id (asked for with `Prefer`): it stays the same when the message is moved. Folders are asked for by their
well-known names, which are the same in every language.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, unquote

from pipeline.errors import ConfigError
from pipeline.failpoint import reach
from pipeline.mailbox.graph import Graph
from pipeline.mailbox.outcome_groups import groups_touched, outcome_group
from pipeline.message.fetched import Fetched, MessageRef

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pipeline.report.limits import Limits
    from pipeline.settings.mailbox_tables import MailboxSettings

WELL_KNOWN = frozenset({"inbox", "archive", "junkemail", "deleteditems", "drafts", "sentitems", "clutter", "conversationhistory", "outbox"})
_PAGE = 500


class _Message(NamedTuple):
    folder: str
    received_at: datetime


class GraphSource:
    """Reads folders of one mailbox, and marks, moves or deletes what the lake has."""

    def __init__(self, settings: MailboxSettings, limits: Limits) -> None:
        """Name it; nothing is asked yet."""
        self.name = settings.name
        self.accounts = (settings.name,)
        self._touched = groups_touched(settings)
        self.promise = " ".join([settings.after, *(f"{group}={folder}" for group, folder in sorted(self._touched.items()) if folder)])
        self._settings, self._limits = settings, limits
        self._messages: dict[str, _Message] = {}
        self._folder_ids: dict[str, str] = {}
        self._graph = Graph(settings)

    def names(self) -> Sequence[str]:
        """Return the immutable ids of all messages in the folders, oldest first.

        Raises:
            TlsrptError: The mailbox cannot be listed.
        """
        self._messages = {}
        for folder in self._settings.all_folders:
            where = f"{self._graph.user}/mailFolders/{quote(self._folder_id(folder), safe='')}/messages"
            for each in self._graph.pages(f"{where}?$select=id,receivedDateTime&$orderby=receivedDateTime&$top={_PAGE}"):
                self._messages[str(each["id"])] = _Message(folder, _moment(each.get("receivedDateTime")))
        reach("searched")
        return sorted(self._messages, key=lambda name: self._messages[name].received_at)

    def fetch(self, names: Sequence[str]) -> Iterator[Fetched]:
        """Read messages as they came; what has gone meanwhile is left out.

        Raises:
            TlsrptError: The server fails.
        """
        for name in names:
            answer = self._graph.ask("GET", f"{self._graph.user}/messages/{quote(name, safe='')}/$value", most=self._limits.message_bytes)
            if answer is None:
                continue
            size, content = answer.size, answer.content if answer.size <= self._limits.message_bytes else None
            message = self._messages[name]
            yield Fetched(MessageRef(self.name, message.folder, item=name), content, message.received_at, size)

    def treat(self, outcomes: Iterable[tuple[str, str]]) -> None:
        """Mark, move or delete what the lake has, as a mailbox by IMAP; what has gone is fine.

        Raises:
            TlsrptError: The server refuses.
        """
        for name, outcome in outcomes:
            group = outcome_group(outcome)
            if group not in self._touched:
                continue
            path = f"{self._graph.user}/messages/{quote(name, safe='')}"
            if self._settings.after == "seen":
                self._graph.ask("PATCH", path, json={"isRead": True}, writes=True)
            elif self._settings.after == "delete":
                self._graph.ask("DELETE", path, writes=True)
            else:
                self._graph.ask("POST", f"{path}/move", json={"destinationId": self._folder_id(self._touched[group])}, writes=True)

    def close(self) -> None:
        """Let go of the connections."""
        self._graph.close()

    def count(self) -> str:
        """Say how many messages lie in the folders.

        Raises:
            TlsrptError: It cannot be told; a missing permission is named.
        """
        counted = {
            folder: self._graph.value(f"{self._graph.user}/mailFolders/{quote(self._folder_id(folder), safe='')}")
            for folder in self._settings.all_folders
        }
        return ", ".join(f"{found.get('totalItemCount', 0):,} messages in {folder}" for folder, found in counted.items())

    def _folder_id(self, folder: str) -> str:
        """Return the id of a folder, or the well-known name that stands for it; the others are looked for by the names people see."""
        plain = folder.replace(" ", "").lower()
        if plain in WELL_KNOWN:
            return plain
        if folder not in self._folder_ids:
            below = f"{self._graph.user}/mailFolders"
            for part in folder.split("/"):
                wanted = quote(f"displayName eq '{part.replace(chr(39), chr(39) * 2)}'")
                found = next(iter(self._graph.pages(f"{below}?$filter={wanted}&$select=id&includeHiddenFolders=true")), None)
                if found is None:
                    raise ConfigError(f"mailbox {self.name} has no folder {folder}; create it, or name another one")
                below = f"{self._graph.user}/mailFolders/{quote(str(found['id']), safe='')}/childFolders"
            self._folder_ids[folder] = unquote(below.split("/")[-2])
        return self._folder_ids[folder]


def _moment(text: Any) -> datetime:
    try:
        return datetime.fromisoformat(str(text)).astimezone(UTC)
    except ValueError:
        return datetime.now(UTC)
