r"""What is done to a message once its rows are committed: seen, moved or deleted, as configured.

All of it can be repeated: only messages still in the folder are touched, so that a run after a crash finishes what the one before
began. Only the UIDs given are touched, never what else is in the folder: MOVE (RFC 6851), or COPY, `\Deleted` and UID EXPUNGE
(RFC 4315). A plain EXPUNGE would also remove what somebody else has marked; without MOVE and UID EXPUNGE the message stays, with a
keyword where the server keeps keywords.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from imapclient.exceptions import IMAPClientError

from pipeline import log
from pipeline.errors import ConfigError
from pipeline.failpoint import reach
from pipeline.mailbox import trouble
from pipeline.mailbox.searching import uid_set, windows
from pipeline.mailbox.session import ConnectionLostError, FolderState, Session

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pipeline.config import MailboxSettings
    from pipeline.mailbox.connection import Client
    from pipeline.mailbox.imap import ImapMailbox

KEYWORD = "$TlsrptDone"
"""Set where a message should have gone and cannot (RFC 9051 §2.3.2: a keyword)."""

_SEEN, _DELETED = r"\Seen", r"\Deleted"

_GROUPS = {
    "stored": "processed",
    "conflict": "processed",
    "duplicate": "processed",
    "expired": "processed",
    "erased": "processed",
    "quarantined": "quarantined",
    "too_large": "quarantined",
    "not_tlsrpt": "other",
}
"""Outcome → the group the settings speak of. What is too large was not read, so that nobody knows what it is."""


def groups_touched(settings: MailboxSettings) -> dict[str, str]:
    """Return the groups that `after` applies to, each with the folder it moves to (empty unless `after = "move"`)."""
    if settings.after == "keep":
        return {}
    if settings.after == "move":
        return {group: folder for group, folder in settings.move_to if folder}
    wanted = {"processed": True, "quarantined": settings.touch_quarantined, "other": settings.touch_other}
    return {group: "" for group, touched in wanted.items() if touched}


def housekeep(mailbox: ImapMailbox, messages: Iterable[tuple[int, str]]) -> dict[str, int]:
    """Do to committed messages of the open folder what `after` says.

    Args:
        mailbox: With the folder open.
        messages: UID and outcome of messages whose rows are committed, and of no others.

    Returns:
        How many messages were `seen`, `moved`, `deleted`, and how many were `left` because the server can do neither MOVE nor
        UID EXPUNGE; without what is zero.

    Raises:
        ConfigError: A folder to move to cannot be made.
        TryAgainError: Cut, throttled, or the server refuses; the next run does the rest.
    """
    touched = groups_touched(mailbox.settings)
    target = {uid: touched[group] for uid, outcome in messages if (group := _GROUPS.get(outcome, "")) in touched}
    counts = _housekeep(_Work(mailbox.session, mailbox.state, mailbox.folder), mailbox.settings.after, target) if target else {}
    return {what: count for what, count in counts.items() if count}


class _Work(NamedTuple):
    session: Session
    """With the folder selected, writable."""
    state: FolderState
    folder: str


def _housekeep(work: _Work, after: str, target: dict[int, str]) -> dict[str, int]:
    session = work.session
    if after == "seen":
        return {"seen": sum(_mark(session, uids, _SEEN) for uids in _chunks(work, target, "UNSEEN"))}
    moves, expunges = session.do(lambda client: (client.has_capability("MOVE"), client.has_capability("UIDPLUS")))
    if not expunges and (after == "delete" or not moves):
        return {"left": _leave(work, target)}
    if after == "delete":
        return {"deleted": sum(_delete(session, uids) for uids in _chunks(work, target))}
    moved = 0
    for name in sorted(set(target.values())):
        _make_folder(work, name)
        bound = {uid: goes for uid, goes in target.items() if goes == name}
        for uids in _chunks(work, bound):
            moved += _move(session, uids, name) if moves else _copy_and_delete(session, uids, name)
    return {"moved": moved}


def _chunks(work: _Work, wanted: dict[int, str], *criteria: str) -> Iterator[list[int]]:
    """Yield those UIDs that are still in the folder, in chunks. Searched first, changed then: a search sees no half-changed folder."""
    found = windows(work.session, work.state, criteria, first=min(wanted), last=max(wanted))
    present = [uid for uids in found for uid in uids if uid in wanted]
    step = work.session.pace.chunk_messages
    for start in range(0, len(present), step):
        yield present[start : start + step]


def _mark(session: Session, uids: Sequence[int], flag: str) -> int:
    session.do(lambda client: client.add_flags(uids, [flag], silent=True))
    return len(uids)


def _delete(session: Session, uids: Sequence[int]) -> int:
    _mark(session, uids, _DELETED)
    reach("marked-deleted")
    session.do(lambda client: client.uid_expunge(uids))
    return len(uids)


def _move(session: Session, uids: list[int], folder: str) -> int:
    """Move; where the connection is lost in between, whatever is still there is moved again."""
    try:
        session.once(lambda client: _move_once(client, uids, folder))
    except ConnectionLostError:
        left = session.do(lambda client: client.search(["UID", uid_set(uids)]))
        if left:
            _move(session, left, folder)
    except IMAPClientError as err:
        raise trouble.while_working(session.where, session.server, err) from err
    return len(uids)


def _move_once(client: Client, uids: Sequence[int], folder: str) -> None:
    client.forget_copyuid()
    client.move(uids, folder)


def _copy_and_delete(session: Session, uids: Sequence[int], folder: str) -> int:
    """Copy, then delete: each step is repeated on its own, so that a cut after the copy makes no second one."""
    session.do(lambda client: client.copy(uids, folder))
    reach("copied")
    return _delete(session, uids)


def _leave(work: _Work, target: dict[int, str]) -> int:
    session = work.session
    log.warning("messages-stay", mailbox=session.settings.name, reason="the server has neither MOVE nor UID EXPUNGE; use after = seen")
    if not work.state.keywords:
        return sum(len(uids) for uids in _chunks(work, target))
    return sum(_mark(session, uids, KEYWORD) for uids in _chunks(work, target, "UNKEYWORD", KEYWORD))


def _make_folder(work: _Work, name: str) -> None:
    session = work.session
    if name == work.folder or name.upper() == work.folder.upper() == "INBOX":
        raise ConfigError(f"{session.where}: mail of folder {name} cannot be moved to that folder itself; change move_to")
    try:
        if not session.do(lambda client: name in _names(client)):
            session.once(lambda client: client.create_folder(name))
            log.info("folder-created", mailbox=session.settings.name, folder=name)
    except ConnectionLostError:
        _make_folder(work, name)
    except IMAPClientError as err:
        raise ConfigError(f"{session.where}: folder {name} cannot be created: {trouble.says(err)}; create it, or change move_to") from err


def _names(client: Client) -> set[str]:
    return {name for _, _, name in client.list_folders()}
