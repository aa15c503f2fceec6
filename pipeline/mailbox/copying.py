"""Moving mail by COPY and UID EXPUNGE, so that a run killed in between leaves nothing twice in the folder it goes to.

Before a COPY it is written down which messages are copied, where to, and the UIDNEXT of the folder there. Where the note is found again,
the copy may have been made or not: what has come into that folder since is compared with the messages that are still here, and those
that are there already are deleted here without being copied again.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING, Any, Protocol

from imapclient.exceptions import IMAPClientError

from pipeline.errors import ConfigError
from pipeline.mailbox import imap_errors
from pipeline.mailbox.copy_note import Copying
from pipeline.mailbox.searching import windows

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipeline.mailbox.connection import Client
    from pipeline.mailbox.selecting import FolderState
    from pipeline.mailbox.session import Session

_SIZE, _HEADER = b"RFC822.SIZE", b"BODY[HEADER]"


class Journal(Protocol):
    """Remembers across runs what is being copied from one folder; one note at a time."""

    def copying(self) -> Copying | None:
        """Return what was noted last."""

    def note(self, copying: Copying | None) -> None:
        """Remember it durably; None: all of it is done."""


def about_to_copy(session: Session, state: FolderState, uids: Sequence[int], folder: str) -> Copying:
    """Return the note for a COPY that is about to be made; UIDVALIDITY and UIDNEXT of the other folder are 0 where the server gives none.

    Args:
        session: Signed in, with the folder selected that the messages are in.
        state: What the server said of that folder.
        uids: Of the messages, in the folder they leave.
        folder: Where they are copied to.

    Raises:
        TryAgainError: Cut, throttled, timed out.
    """
    uidvalidity, uidnext = session.do(lambda client: _status(client, folder))
    return Copying(state.uidvalidity, tuple(uids), folder, uidvalidity, uidnext)


def already_copied(session: Session, here: str, noted: Copying, uids: Sequence[int]) -> list[int]:
    """Return those of `uids`, still in the selected folder, that are in the other folder already.

    Messages are compared by their header and size; INTERNALDATE is not kept by every server. The other folder is opened read-only in
    between.

    Args:
        session: Signed in, with the folder selected that the messages are in.
        here: The name of that folder; it is selected again at the end.
        noted: What was noted before the COPY.
        uids: Of the noted messages those that are still here.

    Raises:
        TryAgainError: Cut, throttled, timed out, or a folder is another one now.
    """
    marks = _marks(session, uids)
    try:
        target = session.select(noted.folder, read_only=True)
    except ConfigError:
        return []  # no such folder any more
    else:
        same = target.uidvalidity == noted.target_uidvalidity and noted.target_uidnext
        arrived = [uid for chunk in windows(session, target, first=noted.target_uidnext if same else 1) for uid in chunk]
        there = Counter(_marks(session, arrived).values())
    finally:
        session.select_again(here, noted.uidvalidity)
    copied = []
    for uid, mark in marks.items():
        if there[mark] > 0:
            there[mark] -= 1
            copied.append(uid)
    return copied


def _status(client: Client, folder: str) -> tuple[int, int]:
    try:
        status = client.folder_status(folder, ["UIDVALIDITY", "UIDNEXT"])
        return int(status[b"UIDVALIDITY"]), int(status[b"UIDNEXT"])
    except imap_errors.GONE:
        raise
    except (IMAPClientError, *imap_errors.GARBLED):
        return 0, 0


def _marks(session: Session, uids: Sequence[int]) -> dict[int, tuple[int, bytes]]:
    """Return what a message is recognised by after a COPY."""
    step = session.pace.chunk_messages
    marks = {}
    for start in range(0, len(uids), step):
        for uid, answer in _headers(session, uids[start : start + step]):
            marks[uid] = (int(answer[_SIZE]), hashlib.sha256(answer[_HEADER]).digest())
    return marks


def _headers(session: Session, uids: Sequence[int]) -> Iterable[tuple[int, dict[bytes, Any]]]:
    answers = session.do(lambda client: client.fetch(list(uids), [_SIZE, b"BODY.PEEK[HEADER]"]))
    return [(uid, answers[uid]) for uid in uids if isinstance(answers.get(uid, {}).get(_HEADER), bytes) and _SIZE in answers[uid]]
