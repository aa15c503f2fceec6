"""Whether a server will do what `after` wants, found out before there is mail to do it with: for the doctor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imapclient.exceptions import IMAPClientError

from pipeline.errors import ConfigError
from pipeline.mailbox import imap_errors
from pipeline.mailbox.folders import target_folder
from pipeline.mailbox.outcome_groups import groups_touched

if TYPE_CHECKING:
    from pipeline.mailbox.connection import Client
    from pipeline.mailbox.imap import ImapMailbox

_SET_SEEN, _INSERT = "s", "i"
_REMOVE = ({"t", "e"}, {"d"})
"""Rights (RFC 4314): `t` and `e`, which were one, `d`, in RFC 2086."""


def try_after(mailbox: ImapMailbox) -> str:
    r"""Try what `after` wants of the open folder, without touching a message, and return what was found.

    A folder to move to that is not there is made, as the first run would.

    Raises:
        ConfigError: The folder opens read-only, a flag does not last (PERMANENTFLAGS), a right is missing (ACL), or a folder to move to
            cannot be made.
        TryAgainError: Cut, throttled, timed out.
    """
    settings, session, folder = mailbox.settings, mailbox.session, mailbox.folder
    where = f"{session.where}, folder {folder}"
    if mailbox.state.read_only:
        raise ConfigError(f'{where}: it is read-only; set after = "keep", or get the right to change it')
    can = mailbox.capabilities()
    flag = r"\seen" if settings.after == "seen" else r"\deleted"
    flagged = settings.after != "move" or "MOVE" not in can
    if flagged and mailbox.state.flags is not None and flag not in mailbox.state.flags:
        raise ConfigError(
            f"{where}: the server keeps no flag {flag.title()} there (PERMANENTFLAGS); change after, or get the right to set it"
        )
    if "ACL" in can:
        _look_at_rights(mailbox, where)
    if settings.after != "move":
        return f'after = "{settings.after}" is allowed'
    targets = [target_folder(session, name) for name in sorted(set(groups_touched(settings).values()))]
    for target in targets if "ACL" in can else ():
        rights = session.do(lambda client, target=target: _rights(client, target))  # type: ignore[misc]
        if rights is not None and _INSERT not in rights:
            raise ConfigError(
                f"{where}: {settings.user} may not put mail into folder {target} (its rights: {rights or 'none'}); change move_to"
            )
    return f"mail is moved to {', '.join(targets)}"


def _look_at_rights(mailbox: ImapMailbox, where: str) -> None:
    settings = mailbox.settings
    rights = mailbox.session.do(lambda client: _rights(client, mailbox.folder))
    if rights is None:
        return
    enough = _SET_SEEN in rights if settings.after == "seen" else any(each <= set(rights) for each in _REMOVE)
    if not enough:
        wanted = "set \\Seen" if settings.after == "seen" else "remove mail"
        raise ConfigError(f"{where}: {settings.user} may not {wanted} there (its rights: {rights or 'none'}); change after, or the rights")


def _rights(client: Client, folder: str) -> str | None:
    """Return the rights of the user (RFC 4314, MYRIGHTS); None where the server does not say."""
    try:
        return client.my_rights(folder)
    except imap_errors.GONE:
        raise
    except (IMAPClientError, *imap_errors.GARBLED):
        return None
