"""The metrics as they are now, and those of a minute ago for whoever asks often."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipeline.errors import TlsrptError
from pipeline.lake.storage.locate import configured_location
from pipeline.notify.kept_notes import boxes_of, observed_without_muted
from pipeline.notify.metrics import as_text
from pipeline.notify.observe import measure, observe
from pipeline.query import open_lake

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from pipeline.config import Settings

KEPT_SECONDS = 60.0
"""So old may an answer be."""


def metrics_now(settings: Settings, as_of: date) -> str:
    """Return the metrics in Prometheus' text format.

    Args:
        settings: The lake and the channels.
        as_of: The day of asking (UTC).

    Raises:
        LakeError: The lake or a note of it cannot be read.
    """
    with open_lake(settings=settings) as lake:
        observed = observe(lake, as_of=as_of, own=settings.domains.own)
        numbers = measure(lake, as_of=as_of)
    location = configured_location(settings.lake)
    names = {channel.name for channel in settings.notify.channel}
    waiting = {name: len(box.pending) for name, box in boxes_of(location).items() if name in names}
    return as_text(observed_without_muted(location, observed), numbers, waiting=waiting, now=datetime.now(UTC))


class KeptMetrics:
    """Metrics for those who scrape: the lake is looked at once a minute at the most, however many ask.

    Args:
        measure: Gives the metrics; it may raise a `TlsrptError`.
    """

    def __init__(self, measure: Callable[[], str]) -> None:
        self._measure = measure
        self._lock = threading.Lock()
        self._kept: tuple[float, str | TlsrptError] | None = None

    def text(self) -> str:
        """Return the metrics, at most `KEPT_SECONDS` old; who comes meanwhile waits for the one that looks.

        Raises:
            TlsrptError: The lake cannot be read, or could not a moment ago: a broken lake is not opened at every scrape either.
        """
        with self._lock:
            if self._kept is None or time.monotonic() - self._kept[0] > KEPT_SECONDS:
                self._kept = time.monotonic(), self._measured()
            kept = self._kept[1]
        if isinstance(kept, TlsrptError):
            raise kept.with_traceback(None)
        return kept

    def _measured(self) -> str | TlsrptError:
        try:
            return self._measure()
        except TlsrptError as err:
            return err
