"""Fetching message bytes: sizes first, then chunks, with every answer counted.

Servers answer less than they were asked: the message was expunged by somebody else, the chunk was too large for them, one message
breaks them. So what did not answer is looked up once more: what is gone has vanished; what is there is asked for again in halves,
down to the single message that does not come, which is left for the next run.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from imapclient.exceptions import IMAPClientError

from pipeline import log
from pipeline.mailbox import imap_errors
from pipeline.mailbox.searching import uid_set
from pipeline.mailbox.session import ConnectionLostError, Session
from pipeline.message.fetched import Fetched, MessageRef

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline.report.limits import Limits

Answers = dict[int, dict[bytes, Any]]

_SIZE = b"RFC822.SIZE"
_BODY = b"BODY[]"


class Sized(NamedTuple):
    """A message before its bytes are fetched."""

    uid: int
    size: int
    """RFC822.SIZE, bytes; what the server says, not always what it sends."""
    received_at: datetime


class Fetching:
    """One pass over some UIDs of the folder that the session has selected."""

    def __init__(self, session: Session, limits: Limits, *, account: str, folder: str, uidvalidity: int) -> None:
        self.unanswered: list[int] = []
        self.vanished: list[int] = []
        self._session = session
        self._pace = session.pace
        self._limit = limits.message_bytes
        self._ref = MessageRef(account, folder, uidvalidity)

    def chunks(self, uids: Sequence[int]) -> Iterator[list[Fetched]]:
        """Yield the messages, chunk by chunk."""
        step = self._pace.size_messages
        for start in range(0, len(uids), step):
            for chunk in self._planned(self._sizes(list(uids[start : start + step]))):
                fetched = self._fetch_chunk(chunk)
                if fetched:
                    yield fetched

    def _sizes(self, uids: list[int]) -> list[Sized]:
        answers = self._ask(uids, [_SIZE, b"INTERNALDATE"], _SIZE)
        return [Sized(uid, answers[uid][_SIZE], _utc(answers[uid].get(b"INTERNALDATE"))) for uid in uids if uid in answers]

    def _planned(self, messages: list[Sized]) -> Iterator[list[Sized]]:
        """Cut into chunks by number and by bytes; messages over the limit weigh nothing, they are not fetched."""
        chunk: list[Sized] = []
        weight = 0
        for message in messages:
            size = message.size if message.size <= self._limit else 0
            if chunk and (len(chunk) >= self._pace.chunk_messages or weight + size > self._pace.chunk_bytes):
                yield chunk
                chunk, weight = [], 0
            chunk.append(message)
            weight += size
        if chunk:
            yield chunk

    def _fetch_chunk(self, chunk: list[Sized]) -> list[Fetched]:
        small = [message.uid for message in chunk if message.size <= min(self._pace.whole_bytes, self._limit)]
        whole = self._ask(small, [b"BODY.PEEK[]"], _BODY)
        fetched = []
        for message in chunk:
            if message.uid in whole:
                fetched.append(self._fetched(message, whole[message.uid][_BODY]))
            elif message.size > self._limit:
                fetched.append(Fetched(self._ref._replace(uid=message.uid), None, message.received_at, message.size))
            elif message.size > self._pace.whole_bytes:
                content = self._in_pieces(message)
                fetched += [] if content is None else [self._fetched(message, content)]
        return fetched

    def _fetched(self, message: Sized, content: bytes) -> Fetched:
        within = content if len(content) <= self._limit else None
        return Fetched(self._ref._replace(uid=message.uid), within, message.received_at, len(content))

    def _in_pieces(self, message: Sized) -> bytes | None:
        """Fetch one large message piece by piece, until a piece is short; None where it does not come."""
        step = self._pace.whole_bytes
        pieces: list[bytes] = []
        while len(pieces) * step <= self._limit:
            offset = len(pieces) * step
            key = b"BODY[]<%d>" % offset
            answers = self._ask([message.uid], [b"BODY.PEEK[]<%d.%d>" % (offset, step)], key)
            if message.uid not in answers:
                return None
            pieces.append(answers[message.uid][key])
            if len(pieces[-1]) < step:
                break
        return b"".join(pieces)

    def _ask(self, uids: list[int], items: list[bytes], wanted: bytes) -> Answers:
        """Fetch `items` of all `uids`; an answer counts when it has the item `wanted`."""
        if not uids:
            return {}
        try:
            raw: Answers = self._session.once(lambda client: client.fetch(uids, items))
        except ConnectionLostError as err:
            return self._ask_in_halves(uids, items, wanted, str(err))
        except IMAPClientError as err:
            return self._ask_in_halves(uids, items, wanted, imap_errors.says(err))
        answers = _usable(raw, wanted)
        missing = [uid for uid in uids if uid not in answers]
        if missing:
            present = self._present(missing)
            if len(uids) == 1:
                self._give_up(present, "no answer")
            elif present:
                answers |= self._ask_in_halves(present, items, wanted, "fewer answers than asked")
        return answers

    def _ask_in_halves(self, uids: list[int], items: list[bytes], wanted: bytes, reason: str) -> Answers:
        if len(uids) == 1:
            return self._ask_last_time(uids, items, wanted, reason)
        log.debug("fetch-halved", mailbox=self._ref.account, messages=len(uids), reason=reason)
        middle = len(uids) // 2
        return self._ask(uids[:middle], items, wanted) | self._ask(uids[middle:], items, wanted)

    def _ask_last_time(self, uids: list[int], items: list[bytes], wanted: bytes, reason: str) -> Answers:
        """Ask for a single message that has just failed once; after that it waits for the next run."""
        try:
            raw: Answers = self._session.once(lambda client: client.fetch(uids, items))
        except (ConnectionLostError, IMAPClientError):
            raw = {}
        answers = _usable(raw, wanted)
        if not answers:
            self._give_up(self._present(uids), reason)
        return answers

    def _present(self, uids: list[int]) -> list[int]:
        """Return those that are still in the folder; the others have vanished."""
        found = set(self._session.do(lambda client: client.search(["UID", uid_set(uids)]), progress=False))
        self.vanished += [uid for uid in uids if uid not in found]
        return [uid for uid in uids if uid in found]

    def _give_up(self, uids: list[int], reason: str) -> None:
        for uid in uids:
            self.unanswered.append(uid)
            log.warning("message-not-delivered", mailbox=self._ref.account, folder=self._ref.folder, uid=uid, reason=reason)


def _usable(raw: Answers, wanted: bytes) -> Answers:
    """Return the answers that have the item asked for: a size is a number, a body is bytes; NIL is neither."""
    kind = int if wanted == _SIZE else bytes
    return {uid: answer for uid, answer in raw.items() if isinstance(answer.get(wanted), kind)}


def _utc(moment: datetime | None) -> datetime:
    """Return INTERNALDATE in UTC; now, where the server sent none that can be read."""
    try:
        return moment.astimezone(UTC) if moment is not None else datetime.now(UTC)
    except (OverflowError, ValueError):
        return datetime.now(UTC)
