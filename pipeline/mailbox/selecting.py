"""Selecting a folder: what the server says of it, what can be done where it says too little, and why it cannot be opened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, cast

from imapclient.exceptions import IMAPClientError, IMAPClientReadOnlyError

from pipeline.errors import ConfigError, TlsrptError
from pipeline.mailbox import imap_errors

if TYPE_CHECKING:
    from pipeline.mailbox.connection import Client

BEYOND_ALL_UIDS = 2**32
"""A UID has 32 bits (RFC 9051 §2.3.1.1)."""


class FolderState(NamedTuple):
    """What the server said when the folder was selected (RFC 9051 §6.3.2)."""

    uidvalidity: int
    uidnext: int
    exists: int
    read_only: bool
    flags: frozenset[str] | None = None
    """PERMANENTFLAGS, lower-case: the flags that last, and `\\*` where keywords can be made; None where the server names none."""


def selected(client: Client, folder: str, *, mailbox: str, user: str, read_only: bool) -> FolderState:
    """Select a folder, read-only where that is asked or where it may not be changed.

    Args:
        client: Signed in.
        folder: As the configuration names it.
        mailbox: As a sentence begins: `mailbox reports`.
        user: Whose rights it is a matter of.
        read_only: Whether to EXAMINE it.

    Raises:
        ConfigError: There is no such folder, or it cannot be opened or polled.
        TryAgainError: Throttled.
        IMAPClientError: The connection is lost; one of `imap_errors.LOST`.
    """
    try:
        answer = client.select_folder(folder, readonly=read_only)
    except IMAPClientError as err:
        if isinstance(err, imap_errors.LOST) and not isinstance(err, IMAPClientReadOnlyError):
            raise
        if read_only or imap_errors.throttled(mailbox, err):
            raise _why_not(client, folder, mailbox, user, err) from err
        # What may not be changed can be read all the same; what `after` wants is refused then.
        read_only = True
        answer = _examined(client, folder, mailbox, user, err)
    if b"UIDVALIDITY" not in answer:
        raise ConfigError(f"{mailbox}: folder {folder} has no persistent UIDs (no UIDVALIDITY); this server cannot be polled")
    uidnext = answer.get(b"UIDNEXT") or _asked_uidnext(client, folder)
    permanent = answer.get(b"PERMANENTFLAGS")
    flags = None if permanent is None else frozenset(bytes(flag).decode("ascii", "replace").lower() for flag in permanent)
    return FolderState(int(answer[b"UIDVALIDITY"]), int(uidnext), int(answer[b"EXISTS"]), read_only, flags)


def _examined(client: Client, folder: str, mailbox: str, user: str, err: IMAPClientError) -> dict[bytes, Any]:
    """Open a folder read-only that the server does not open for changes, for the reason `err`."""
    try:
        return cast("dict[bytes, Any]", client.select_folder(folder, readonly=True))
    except imap_errors.LOST:
        raise
    except IMAPClientError:
        raise _why_not(client, folder, mailbox, user, err) from err


def _why_not(client: Client, folder: str, mailbox: str, user: str, err: IMAPClientError) -> TlsrptError:
    late = imap_errors.throttled(mailbox, err)
    if late is not None:
        return late
    existing = [name for flags, _, name in client.list_folders() if b"\\Noselect" not in flags]
    if folder not in existing and folder.upper() != "INBOX":
        return imap_errors.no_folder(mailbox, folder, existing)
    return ConfigError(f"{mailbox}: folder {folder} cannot be opened: {imap_errors.says(err)}; check the rights of {user}")


def _asked_uidnext(client: Client, folder: str) -> int:
    """Return UIDNEXT of the selected folder where SELECT did not name it, as RFC 9051 §6.3.2 wants.

    Courier leaves it out and finds nothing for `UID SEARCH UID *`, but answers STATUS; other servers know `*` alone. Where neither says
    anything the whole range of UIDs is searched: a number too low would hide mail.
    """

    def status() -> int:
        return int(client.folder_status(folder, ["UIDNEXT"])[b"UIDNEXT"])

    def last() -> int:
        return max(map(int, client.search(["UID", "*"]))) + 1

    for ask in (status, last):
        try:
            return ask()
        except imap_errors.GONE:
            raise
        except (IMAPClientError, *imap_errors.GARBLED):
            continue
    return BEYOND_ALL_UIDS
