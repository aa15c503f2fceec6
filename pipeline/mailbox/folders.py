"""The folder that mail is moved to: found, or made, under the name this server has for it.

Where all folders of an account live below a prefix (`INBOX.` on Courier and Cyrus; RFC 2342, NAMESPACE), `Processed` in the settings
means `INBOX.Processed`, and `/` in a name stands for whatever separates the levels there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from imapclient.exceptions import IMAPClientError

from pipeline import log
from pipeline.errors import ConfigError
from pipeline.mailbox import imap_errors
from pipeline.mailbox.session import ConnectionLostError, Session

if TYPE_CHECKING:
    from pipeline.mailbox.connection import Client

_NO_MAIL = {b"\\NOSELECT", b"\\NONEXISTENT"}
"""Attributes of a name that stands for no folder (RFC 9051 §7.3.1)."""


class Namespace(NamedTuple):
    """Where the folders of the user live."""

    prefix: str = ""
    separator: str = ""


def target_folder(session: Session, name: str) -> str:
    """Return the name under which the server knows the folder to move to; make the folder where there is none.

    Raises:
        ConfigError: It cannot be made, or is one of those that are polled.
        TryAgainError: Cut, throttled, timed out.
    """
    space = session.do(_namespace)
    found = next((each for each in _names(name, space) if session.do(lambda client, each=each: _exists(client, each))), None)  # type: ignore[misc]
    target = found or _made(session, name, space)
    for polled in session.settings.all_folders:
        if target == polled or target.upper() == polled.upper() == "INBOX":
            raise ConfigError(f"{session.where}: mail cannot be moved to folder {target}, which is polled; change move_to")
    return target


def _namespace(client: Client) -> Namespace:
    """Return the personal namespace; without NAMESPACE only the separator is known."""
    try:
        if client.has_capability("NAMESPACE"):
            personal = client.namespace().personal or ()
            spaces = [Namespace(prefix, separator or "") for prefix, separator in personal]
            return next((each for each in spaces if not each.prefix), spaces[0] if spaces else Namespace())
        return Namespace("", next((_text(separator) for _, separator, _ in client.list_folders("", "")), ""))
    except imap_errors.GONE:
        raise
    except (IMAPClientError, *imap_errors.GARBLED):
        return Namespace()


def _names(name: str, space: Namespace) -> list[str]:
    """Return the names the folder may have, the most literal first."""
    inside = name.replace("/", space.separator) if space.separator and space.separator not in name else name
    below = [] if name.upper().startswith(space.prefix.upper()) else [space.prefix + name, space.prefix + inside]
    return list(dict.fromkeys([name, inside, *below]))


def _exists(client: Client, name: str) -> bool:
    return any(
        found == name and not _NO_MAIL & {bytes(flag).upper() for flag in flags} for flags, _, found in client.list_folders("", name)
    )


def _made(session: Session, name: str, space: Namespace) -> str:
    """Make the folder, below the prefix if there is one; where the server names none and refuses, below INBOX."""
    names = _names(name, space)[::-1]
    if not space.prefix and space.separator:
        names.append(f"INBOX{space.separator}{names[0]}")
    refusals = []
    for each in names:
        try:
            _create(session, each)
        except IMAPClientError as err:
            refusals.append(f"{each} ({imap_errors.says(err)})")
        else:
            return each
    below = f"; the folders of this account live below {space.prefix}" if space.prefix else ""
    raise ConfigError(
        f"{session.where}: folder {name} cannot be created: the server refuses {', '.join(refusals)}{below}; create it, or change move_to"
    )


def _create(session: Session, name: str) -> None:
    try:
        session.once(lambda client: client.create_folder(name))
    except ConnectionLostError:
        if session.do(lambda client: _exists(client, name)):
            return
        _create(session, name)
    except IMAPClientError as err:
        if "[ALREADYEXISTS]" in imap_errors.says(err).upper():
            return
        raise
    else:
        log.info("folder-created", mailbox=session.settings.name, folder=name)


def _text(separator: bytes | str | None) -> str:
    return separator.decode("ascii", "replace") if isinstance(separator, bytes) else separator or ""
