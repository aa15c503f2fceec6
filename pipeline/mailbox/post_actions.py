r"""What is done to a message once its rows are committed: seen, moved or deleted, as configured.

All of it can be repeated: only messages still in the folder are touched, so that a run after a crash finishes what the one before
began. Only the UIDs given are touched, never what else is in the folder: MOVE (RFC 6851), or COPY, `\Deleted` and UID EXPUNGE
(RFC 4315). A plain EXPUNGE would also remove what somebody else has marked; without MOVE and UID EXPUNGE the message stays, with a
keyword where the server keeps keywords.

A server that refuses one of these stops nothing: new mail is read first, and the refusal is handed back to be told once. What it says it
did is looked at: some say OK to a flag that the rights forbid, and set nothing.
"""

from __future__ import annotations

from collections import defaultdict, deque
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from pipeline.errors import TlsrptError
from pipeline.failpoint import reach
from pipeline.mailbox.copying import about_to_copy, already_copied
from pipeline.mailbox.folder_work import FolderWork, RefusedError
from pipeline.mailbox.folders import target_folder
from pipeline.mailbox.outcome_groups import groups_touched, outcome_group
from pipeline.mailbox.searching import windows
from pipeline.mailbox.session import ConnectionLostError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from pipeline.mailbox.connection import Client
    from pipeline.mailbox.copying import Journal
    from pipeline.mailbox.imap import ImapMailbox

KEYWORD = "$TlsrptDone"
"""Set where a message should have gone and cannot (RFC 9051 §2.3.2: a keyword)."""

_REFUSALS = 3

_SEEN, _DELETED = r"\Seen", r"\Deleted"


class Treated(NamedTuple):
    """What was done to the messages of a folder."""

    done: dict[str, int]
    """How many messages were `seen`, `moved`, `deleted`, and how many were `left` because the server can do neither MOVE nor UID
    EXPUNGE; without what is zero."""
    refused: TlsrptError | None = None
    """What the server refuses, as one sentence; what else was asked is done all the same. Lasting (78), unless the server says that it
    will pass (75)."""


def housekeep(mailbox: ImapMailbox, messages: Iterable[tuple[int, str]], journal: Journal) -> Treated:
    """Do to committed messages of the open folder what `after` says.

    Args:
        mailbox: With the folder open.
        messages: UID and outcome of messages whose rows are committed, and of no others.
        journal: Remembers what is being copied, should the run be killed.

    Raises:
        TryAgainError: Cut, throttled; the next run does the rest.
    """
    touched = groups_touched(mailbox.settings)
    by_folder: dict[str, set[int]] = defaultdict(set)
    for uid, outcome in messages:
        group = outcome_group(outcome)
        if group in touched:
            by_folder[touched[group]].add(uid)
    work = FolderWork(mailbox.session, mailbox.state, mailbox.folder, journal)
    half_done = mailbox.settings.after != "keep" and work.journal.copying() is not None
    if work.state.read_only and (half_done or by_folder):
        return Treated({}, work.read_only())
    refused: list[TlsrptError] = []
    if half_done:
        refused += work.attempt(partial(_finish_copying, work))
    if not refused:  # else what is copied already would be moved as well
        for folder, uids in sorted(by_folder.items()):
            refused += work.attempt(partial(_treat, work, mailbox.settings.after, uids, folder))
    return Treated({what: count for what, count in work.done.items() if count}, refused[0] if refused else None)


def _treat(work: FolderWork, after: str, uids: set[int], folder: str) -> None:
    session = work.session
    if after == "seen":
        _each(work, "seen", _chunks(work, uids, "UNSEEN"), partial(_mark_seen, work))
        return
    moves, expunges = session.do(lambda client: (client.has_capability("MOVE"), client.has_capability("UIDPLUS")))
    if not expunges and (after == "delete" or not moves):
        _leave(work, uids)
    elif after == "delete":
        _each(work, "deleted", _chunks(work, uids), partial(_delete, work))
    elif chunks := list(_chunks(work, uids)):
        _move_all(work, chunks, target_folder(session, folder), moves=moves, expunges=expunges)


def _each(work: FolderWork, what: str, chunks: Iterable[list[int]], act: Callable[[list[int]], None]) -> None:
    """Treat chunk after chunk; one that is refused in halves, so that a single message does not keep the others back.

    After `_REFUSALS` single messages it is not about them, and no more is asked.

    Raises:
        RefusedError: The first refusal, once everything else is done.
    """
    waiting = deque(chunks)
    refused: list[RefusedError] = []
    while waiting and len(refused) < _REFUSALS:
        chunk = waiting.popleft()
        try:
            act(chunk)
        except RefusedError as err:
            if work.journal.copying() is not None:
                raise  # copied and not deleted: nothing else may be copied before that is
            middle = len(chunk) // 2
            if middle:
                waiting.extendleft([chunk[middle:], chunk[:middle]])
            else:
                refused.append(err)
        else:
            work.done[what] += len(chunk)
    if refused:
        raise refused[0]


def _mark_seen(work: FolderWork, uids: list[int]) -> None:
    _mark(work, uids, _SEEN)
    work.ignored(rf"the flag {_SEEN}", work.still(uids, "UNSEEN"))


def _chunks(work: FolderWork, wanted: set[int], *criteria: str) -> Iterator[list[int]]:
    """Yield those UIDs that are still in the folder, in chunks. Searched first, changed then: a search sees no half-changed folder."""
    found = windows(work.session, work.state, criteria, first=min(wanted), last=max(wanted))
    present = [uid for uids in found for uid in uids if uid in wanted]
    step = work.session.pace.chunk_messages
    for start in range(0, len(present), step):
        yield present[start : start + step]


def _mark(work: FolderWork, uids: Sequence[int], flag: str) -> None:
    work.ask(f"the flag {flag}", lambda client: client.add_flags(uids, [flag], silent=True))


def _delete(work: FolderWork, uids: Sequence[int]) -> None:
    _mark(work, uids, _DELETED)
    reach("marked-deleted")
    work.ask("UID EXPUNGE", lambda client: client.uid_expunge(uids))
    work.ignored("to remove messages", work.still(uids))


def _move_all(work: FolderWork, chunks: list[list[int]], folder: str, *, moves: bool, expunges: bool) -> None:
    """Move; where MOVE is offered and refused, copy and delete from then on."""

    def act(chunk: list[int]) -> None:
        nonlocal moves
        if moves:
            try:
                _move(work, chunk, folder)
            except RefusedError:
                if not expunges:
                    raise
                moves = False
            else:
                return
        _copy_and_delete(work, work.still(chunk), folder)

    _each(work, "moved", chunks, act)


def _move(work: FolderWork, uids: list[int], folder: str) -> None:
    """Move; where the connection is lost in between, whatever is still there is moved again."""
    left = uids
    while left:
        try:
            work.once(f"MOVE to {folder}", lambda client, left=left: _move_once(client, left, folder))  # type: ignore[misc]
        except ConnectionLostError:
            left = work.still(left)
        else:
            work.ignored(f"MOVE to {folder}", work.still(left))
            return


def _move_once(client: Client, uids: Sequence[int], folder: str) -> None:
    client.forget_copyuid()
    client.move(uids, folder)


def _copy_and_delete(work: FolderWork, uids: list[int], folder: str) -> None:
    """Copy, then delete. The copy is noted first, and the note is kept until all of it is done, so that nothing is copied twice."""
    if work.journal.copying():
        _finish_copying(work)
    while uids:
        work.journal.note(about_to_copy(work.session, work.state, uids, folder))
        try:
            work.once(f"COPY to {folder}", lambda client, uids=uids: client.copy(uids, folder))  # type: ignore[misc]
        except ConnectionLostError:
            _finish_copying(work)
            uids = work.still(uids)
        except RefusedError:
            _finish_copying(work)  # some servers copy a part before they refuse
            raise
        else:
            reach("copied")
            _delete(work, uids)
            work.journal.note(None)
            return


def _finish_copying(work: FolderWork) -> None:
    """Delete what was copied and not deleted, because the run was killed in between or the server refused."""
    noted = work.journal.copying()
    if noted is None:
        return
    if noted.uidvalidity == work.state.uidvalidity:
        left = work.still(noted.uids)
        copied = already_copied(work.session, work.folder, noted, left) if left else []
        if copied:
            _delete(work, copied)
            work.done["moved"] += len(copied)
    work.journal.note(None)


def _leave(work: FolderWork, uids: set[int]) -> None:
    lasting = work.state.flags is not None and r"\*" in work.state.flags
    for chunk in _chunks(work, uids, *(("UNKEYWORD", KEYWORD) if lasting else ())):
        if lasting:
            _mark(work, chunk, KEYWORD)
        work.done["left"] += len(chunk)
