"""What happens around other commands: a dead-man's switch around `ingest`, and notices at the end of `ingest` and `check`.

None of it changes how the command ends: a channel that fails is logged, kept in the outbox and tried again.
"""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipeline import log
from pipeline.errors import TlsrptError
from pipeline.notify.channels import SendError, ping

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.config import Settings

_TRY_AGAIN = 75


class Ending:
    """How the command ended, for the last ping."""

    def __init__(self) -> None:
        self.code = 1
        """What an unexpected end counts as."""


@contextmanager
def dead_man(url: str) -> Iterator[Ending]:
    """Ping `url` with /start now and with /EXIT CODE at the end; 75 (try again) is not a failure and goes to /log.

    Args:
        url: The address of the switch; empty: there is none.
    """
    ending = Ending()
    if url:
        _ping(f"{url.rstrip('/')}/start")
    try:
        yield ending
    except TlsrptError as err:
        ending.code = err.exit_code
        raise
    finally:
        if url:
            _ping(f"{url.rstrip('/')}/{'log' if ending.code == _TRY_AGAIN else ending.code}")


def _ping(url: str) -> None:
    try:
        ping(url)
    except (SendError, TlsrptError) as err:
        log.warning("ping-failed", reason=str(err))


def tell(settings: Settings) -> None:
    """Run the notifier after another command, if channels are configured, for the operator and each group; what goes wrong is logged."""
    for told in settings.tellings():
        _tell(told)


def _tell(settings: Settings) -> None:
    from pipeline.lake.storage.locate import configured_location
    from pipeline.notify.notifier import notify
    from pipeline.notify.observe import observe
    from pipeline.query import open_lake

    now = datetime.now(UTC)
    try:
        with open_lake(settings=settings) as lake:
            observed = observe(lake, as_of=now.date(), own=settings.domains.own)
        for sent in notify(configured_location(settings.lake), settings.notify, observed, now=now, mutes_end=settings.audience is None):
            if sent.error:
                log.warning("notice-not-sent", channel=sent.channel, reason=sent.error, waiting=sent.waiting)
    except TlsrptError as err:
        log.warning("notices-not-sent", reason=str(err), consequence="the next run tries again")
