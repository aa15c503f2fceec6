"""The state of things as Prometheus metrics. Gauges alone, since reports come late and are counted again.

Labels hold configured or reported domains of ours, causes and mailbox names; never a text out of a report.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pipeline.errors import InputError
from pipeline.notify.notice_text import name
from pipeline.output.whole_file import replace_file

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from prometheus_client import Gauge

    from pipeline.insight.ground import Ground
    from pipeline.notify.observed import Observed

VERDICTS = ("ready", "not-ready", "not-enough-evidence", "already-enforcing", "no-policy")


class Measured(NamedTuple):
    """Numbers that are not events."""

    last_ingest: Mapping[str, datetime]
    """By mailbox: when something of it was stored last."""
    last_look: Mapping[str, datetime]
    """By mailbox: when it was last looked into with success."""
    quarantined: int
    not_counted: int
    """Reports of the last 90 days that do not count."""


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
        expiry.labels(name(one.domain), name(one.place)).set(_midnight(one.expires.toordinal()))
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


def _midnight(ordinal: int) -> int:
    return (ordinal - 719_163) * 86_400


def write_file(path: str, text: str) -> None:
    """Write a file as a whole, readable by the node exporter.

    Raises:
        InputError: The folder is missing or cannot be written to.
    """
    try:
        replace_file(Path(path), text.encode("utf-8"), mode=0o644)
    except OSError as err:
        raise InputError(f"metrics cannot be written to {path}: {err.strerror}; name a file in a folder that is there") from err
