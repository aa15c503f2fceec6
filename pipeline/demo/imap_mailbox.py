"""The demo's mailbox inside pymap's in-memory backend: messages by their bytes, loaded at once and not parsed until somebody asks.

pymap's own append parses every message (50 ms each through IMAP, 2 ms direct); a mailbox of reports is fetched whole, so the bytes are
all that is needed. UIDs and UIDVALIDITY are ours to choose, so that a demo started again offers the same messages under the same names.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from pymap.backend.dict.mailbox import LoadedMessage, MailboxData, MailboxSet, Message
from pymap.bytes import Writeable
from pymap.mime import MessageContent
from pymap.parsing.specials import FetchRequirement, ObjectId


class RawLoaded(LoadedMessage):
    """A message of which the whole is its bytes; parsed only for a part or a structure."""

    __slots__ = ["_raw"]

    def __init__(self, message: RawMessage, requirement: FetchRequirement, raw: bytes) -> None:
        super().__init__(message, requirement, None)
        self._raw = raw

    @property
    def content(self) -> MessageContent:
        """The parsed message."""
        if self._content is None:
            self._content = MessageContent.parse(self._raw)
        return self._content

    def __bytes__(self) -> bytes:
        return self._raw

    def get_body(self, section: Sequence[int] | None = None, binary: bool = False) -> Writeable:
        """Return the whole message as it is, or a part of it."""
        if not section and not binary:
            return Writeable.wrap(self._raw)
        return super().get_body(section, binary)

    def get_size(self, section: Sequence[int] | None = None) -> int:
        """Return the number of bytes (RFC822.SIZE)."""
        return super().get_size(section) if section else len(self._raw)


class RawMessage(Message):
    """A message in the mailbox, by its bytes."""

    __slots__ = ["_raw"]

    def __init__(self, uid: int, received_at: datetime, raw: bytes) -> None:
        self._raw = raw
        super().__init__(uid, received_at, (), email_id=ObjectId(b"M%d" % uid), thread_id=ObjectId(b"T%d" % uid))

    @property
    def _content(self) -> MessageContent:
        """The parsed message: what pymap takes along when it copies or moves one."""
        return MessageContent.parse(self._raw)

    @_content.setter
    def _content(self, _nothing: MessageContent | None) -> None:
        """Take no notice: the bytes are the content."""

    async def load_content(self, requirement: FetchRequirement) -> RawLoaded:
        """Return the message for a FETCH."""
        return RawLoaded(self, requirement, self._raw)


def filled(mails: Iterable[tuple[datetime, bytes]], *, uidvalidity: int) -> MailboxSet:
    """Return an account whose INBOX holds these messages, with UIDs from 1 in the order given."""
    account = MailboxSet()
    inbox: MailboxData = account._inbox  # noqa: SLF001 -- pymap has no other way in than APPEND
    inbox._uid_validity = uidvalidity  # noqa: SLF001
    messages = {uid: RawMessage(uid, received_at, raw) for uid, (received_at, raw) in enumerate(mails, start=1)}
    inbox._messages.update(messages)  # noqa: SLF001
    inbox._max_uid = len(messages)  # noqa: SLF001
    if messages:
        inbox._mod_sequences.update(messages)  # noqa: SLF001
    return account
