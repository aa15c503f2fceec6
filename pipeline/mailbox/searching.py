"""Which UIDs are in a folder, asked in windows: a SEARCH answer is one line, and a line has a limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.mailbox.selecting import FolderState
from pipeline.mailbox.session import ConnectionLostError, Session

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def windows(
    session: Session, state: FolderState, criteria: Sequence[str] = (), *, first: int = 1, last: int | None = None
) -> Iterator[list[int]]:
    """Yield the UIDs of the selected folder window by window, ascending.

    Args:
        session: With the folder selected.
        state: What the server said of it; later mail is left out.
        criteria: Further search keys (RFC 9051 §6.4.4), such as UNSEEN.
        first: The lowest UID of interest.
        last: The highest; default: the last one that was there when the folder was selected.
    """
    usual = session.pace.search_uids
    span, seen = usual, 0
    end = state.uidnext if last is None else last + 1
    while first < end:
        # Where few messages are left, one window holds them all, however far apart their UIDs are.
        few_left = state.exists - seen <= min(usual, span)
        stop = end if few_left else min(first + span, end)
        try:
            uids = search(session, first, stop - 1, criteria)
        except ConnectionLostError:
            span = max(span // 4, 1)
            usual = min(usual, span)
            continue
        yield uids
        seen += len(uids)
        first = stop
        span = span * 2 if len(uids) < usual // 4 else usual


def search(session: Session, first: int, last: int, criteria: Sequence[str] = ()) -> list[int]:
    """Return the UIDs from `first` to `last`, ascending.

    A server may name the last message although it lies outside (RFC 9051 §6.4.9: a range with `*`), hence the filter.

    Args:
        session: With the folder selected.
        first: The lowest UID, inclusive.
        last: The highest UID, inclusive.
        criteria: Further search keys (RFC 9051 §6.4.4), such as UNSEEN; all have to hold.

    Raises:
        ConnectionLostError: See `Session.once`.
    """
    found: list[int] = session.once(lambda client: client.search(["UID", f"{first}:{last}", *criteria]))
    return sorted(uid for uid in set(found) if first <= uid <= last)


def uid_set(uids: Sequence[int]) -> str:
    """Return UIDs as an IMAP set, runs as ranges: `3:7,9` (RFC 9051 §9, sequence-set)."""
    runs: list[list[int]] = []
    for uid in sorted(uids):
        if runs and uid == runs[-1][1] + 1:
            runs[-1][1] = uid
        else:
            runs.append([uid, uid])
    return ",".join(str(first) if first == last else f"{first}:{last}" for first, last in runs)
