"""The state of things as Prometheus metrics, as it is now, or was a minute ago for whoever asks often.

Gauges alone, since reports come late and are counted again.

Labels hold configured or reported domains of ours, causes and mailbox names; never a text out of a report.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import InputError, TlsrptError
from pipeline.lake.storage.locate import configured_location
from pipeline.notify.kept_notes import boxes_of, observed_without_muted
from pipeline.notify.notice import name
from pipeline.notify.observe import measure, observe
from pipeline.output.whole_file import replace_file
from pipeline.query import open_lake

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date

    from prometheus_client import Gauge

    from pipeline.config import Settings
    from pipeline.insight.ground import Ground
    from pipeline.notify.observed import Measured, Observed

KEPT_SECONDS = 60.0
"""So old may an answer be."""
VERDICTS = ("ready", "not-ready", "not-enough-evidence", "already-enforcing", "no-policy")


def as_text(observed: Observed, measured: Measured, *, waiting: Mapping[str, int], now: datetime) -> str:
    """Return the metrics in Prometheus' text format.

    Args:
        observed: The state of things.
        measured: The numbers beside it.
        waiting: By channel: the notices in its outbox.
        now: The moment, aware.
    """
    from prometheus_client import CollectorRegistry, Gauge, generate_latest

    registry = CollectorRegistry()

    def gauge(metric: str, meaning: str, *labels: str) -> Gauge:
        return Gauge(f"tlsrpt_{metric}", meaning, labels, registry=registry)

    faults = gauge("open_faults", "Open incidents by domain, cause and fault.", "domain", "cause", "fault")
    for labels, count in Counter((one.domain, one.cause, one.fault) for one in observed.incidents if one.state != "resolved").items():
        faults.labels(name(labels[0]), *labels[1:]).set(count)
    look = gauge("last_successful_look_seconds", "When a mailbox was last polled successfully, Unix time.", "mailbox")
    for mailbox, moment in measured.last_look.items():
        look.labels(name(mailbox)).set(moment.timestamp())
    ingest = gauge("last_ingest_seconds", "When mail of a mailbox was stored last, Unix time.", "mailbox")
    for mailbox, moment in measured.last_ingest.items():
        ingest.labels(name(mailbox)).set(moment.timestamp())
    failing = gauge("mailbox_failing", "1 while a mailbox cannot be read, or nothing arrives although it used to.", "mailbox")
    for box in observed.mailboxes:
        failing.labels(name(box.name)).set(int(box.failing_since is not None or box.silent_since is not None))
    _rests_on(observed.ground, gauge)
    gauge("quarantined_messages", "Messages that could not be read.").set(measured.quarantined)
    gauge("not_counted_reports", "Reports of the last 90 days that do not count.").set(measured.not_counted)
    silent = {line.reporter for line in observed.coverage if line.state == "silent"}
    alive = {line.reporter for line in observed.coverage if line.state == "reporting"}
    gauge("silent_reporters", "Reporters that have stopped on every domain.").set(len(silent - alive))
    expiry = gauge("certificate_expires_seconds", "When the certificate of a host expires, Unix time, as last checked.", "domain", "host")
    for one in observed.certificates:
        expiry.labels(name(one.domain), name(one.place)).set(datetime.combine(one.expires, datetime.min.time(), UTC).timestamp())
    readiness = gauge("readiness", "1 for the verdict a domain has, 0 for the others.", "domain", "verdict")
    for domain, verdict in observed.verdicts:
        for each in VERDICTS:
            readiness.labels(name(domain), each).set(int(each == verdict))
    depth = gauge("outbox_waiting", "Notices that wait to be sent.", "channel")
    for channel, count in waiting.items():
        depth.labels(name(channel)).set(count)
    gauge("metrics_written_seconds", "When these metrics were written, Unix time.").set(now.timestamp())
    return generate_latest(registry).decode()


def _rests_on(ground: Ground | None, gauge: Callable[..., Gauge]) -> None:
    if ground is None:
        return
    gauge("counted_reports", "Reports of the last 90 days that count; while it is 0 no other number says anything.").set(ground.reports)
    gauge("counted_sessions", "Sessions in them.").set(ground.sessions)
    never = gauge("unreported_domain", "1 for a domain of ours that no report was ever about.", "domain")
    for domain, _ in ground.without_reports():
        never.labels(name(domain)).set(1)


def write_metrics(path: str, text: str) -> None:
    """Write a file as a whole, readable by the node exporter.

    Raises:
        InputError: The folder is missing or cannot be written to.
    """
    try:
        replace_file(Path(path), text.encode("utf-8"), mode=0o644)
    except OSError as err:
        raise InputError(f"metrics cannot be written to {path}: {err.strerror}; name a file in a folder that is there") from err


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
