"""How the channels are: what waits in their outboxes, which of them fail, and what each was last told. For status, doctor and page."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from pipeline.insight.phrases import count_of
from pipeline.notify.outbox import Box

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class ChannelState(NamedTuple):
    """One channel, configured or not: what it was told stays in its outbox."""

    channel: str
    configured: bool
    waiting: int
    """Messages that are not sent."""
    failing_since: datetime | None
    error: str
    """Of the last try, where it failed."""
    next_try: datetime | None
    last_sent: datetime | None
    last_subject: str
    """The first thing it was told then."""

    def sentence(self) -> str:
        """Return it in a sentence or two."""
        told = f"last sent {self.last_sent:%Y-%m-%d %H:%M} UTC" if self.last_sent else "nothing was ever sent"
        if self.failing_since:
            again = f", tried again after {self.next_try:%Y-%m-%d %H:%M} UTC" if self.next_try else ""
            waiting = f"{count_of(self.waiting, 'message')} waiting{again}"
            return f"failing since {self.failing_since:%Y-%m-%d %H:%M} UTC: {self.error}; {waiting}; {told}"
        waiting = f"{count_of(self.waiting, 'message')} waiting" if self.waiting else "nothing waiting"
        return f"{waiting}, {told}"

    def as_json(self) -> dict[str, object]:
        """Return it as plain values."""
        return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in self._asdict().items()}


def states_of(boxes: Mapping[str, Box], configured: Iterable[str]) -> list[ChannelState]:
    """Return the state of every channel that is configured, and of those that still have something to send.

    Args:
        boxes: The outboxes by name.
        configured: The names of the configuration, without channels that have no outbox.
    """
    names = list(configured)
    return [
        _state(name, boxes.get(name, Box()), configured=name in names)
        for name in [*names, *(name for name, box in sorted(boxes.items()) if name not in names and box.pending)]
    ]


def _state(name: str, box: Box, *, configured: bool) -> ChannelState:
    failed = [entry for entry in box.pending if entry.tries]
    last = box.sent[-1] if box.sent else None
    return ChannelState(
        name,
        configured,
        len(box.pending),
        box.failing_since,
        failed[-1].error if failed else "",
        min((entry.next_try for entry in failed if entry.next_try), default=None),
        last.sent if last else None,
        last.events[0].title if last else "",
    )
