"""What the mailbox tests share: settings for a server, a ledger in memory, and mails."""

from __future__ import annotations

from pipeline.mailbox.copy_note import Copying
from pipeline.mailbox.imap import ImapMailbox
from pipeline.mailbox.session import Pace
from pipeline.report.limits import DEFAULT_LIMITS
from pipeline.settings.mailbox_tables import MailboxSettings

QUICK = Pace(pause_seconds=0.01, longest_pause_seconds=0.05)


class Known:
    """A ledger that knows some UIDs."""

    def __init__(self, *uids: int) -> None:
        self.uids = set(uids)

    def missing(self, uids):
        return [uid for uid in uids if uid not in self.uids]


def settings_for(server, user, **changes) -> MailboxSettings:
    given = {
        "name": "rua",
        "host": "localhost",
        "port": server.port,
        "user": user.name,
        "password": user.password,
        "ca_file": str(server.ca_file),
        "connect_timeout": 5.0,
        "read_timeout": 5.0,
        **changes,
    }
    return MailboxSettings(**given)


def mailbox(server, user, *, pace: Pace = QUICK, limits=DEFAULT_LIMITS, token=None, **changes) -> ImapMailbox:
    return ImapMailbox(settings_for(server, user, **changes), limits, token=token, pace=pace)


def mail(number: int, size: int = 0) -> bytes:
    body = (b"x" * 70 + b"\r\n") * (size // 72)
    return b"From: tlsrpt@example.com\r\nSubject: Report %d\r\n\r\n" % number + body


def fetch_all(box: ImapMailbox, folder: str = "INBOX", known: Known | None = None) -> dict[int, bytes | None]:
    """Return UID → content of what is new."""
    box.open(folder)
    uids = box.new_uids((known or Known()).missing)
    return {fetched.ref.uid: fetched.content for chunk in box.fetch(uids) for fetched in chunk}


class Forgetful:
    """A journal for one run only."""

    def __init__(self) -> None:
        self._copying: Copying | None = None

    def copying(self) -> Copying | None:
        """Return what was noted last."""
        return self._copying

    def note(self, copying: Copying | None) -> None:
        """Remember it until the run ends."""
        self._copying = copying
