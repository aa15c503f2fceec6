"""How the sessions of a day are spread over reports: several a day, one for the domain and one for each MX host; and what they come to."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from pipeline.demo.keyed_chance import split
from pipeline.demo.manners import Document
from pipeline.demo.session_counts import Applied
from pipeline.demo.simulated_reporters import Reporter


class DayTally(NamedTuple):
    """Sessions, and those of them that failed."""

    sessions: int
    failed: int


def tally(reporter: Reporter, rows: Sequence[Applied]) -> DayTally:
    """Return what some rows of a reporter come to: who checks MTA-STS and DANE tells each session under both, the others under one."""
    counts = {kind: [row for row in rows if row.policy_type == kind] for kind in ("sts", "tlsa", "no-policy-found")}
    sessions = {kind: sum(row.success + row.failure for row in of_kind) for kind, of_kind in counts.items()}
    failed = {kind: sum(row.failure for row in of_kind if kind != "no-policy-found") for kind, of_kind in counts.items()}
    if told_twice(reporter, rows):
        return DayTally(max(sessions["sts"], sessions["tlsa"]) + sessions["no-policy-found"], max(failed["sts"], failed["tlsa"]))
    return DayTally(sum(sessions.values()), sum(failed.values()))


def told_twice(reporter: Reporter, rows: Sequence[Applied]) -> bool:
    """Say whether the rows under MTA-STS and those under DANE are about the same sessions."""
    # A policy that could not be fetched is told of every session, also of those under DANE (`session_counts`).
    unfetched = any(row.policy_type == "sts" and row.sts is None for row in rows)
    return any(row.policy_type == "tlsa" for row in rows) and (reporter.dane == "both" or unfetched)


def parts_of(rows: list[Applied], parts: int, rng: random.Random, *, twice: bool = False) -> list[list[Applied]]:
    """Spread the rows of a day over so many reports; a part without sessions is empty.

    Args:
        rows: Of one reporter and domain.
        parts: How many reports it sends for the day.
        rng: That of the day, whose draws come in the same order every time.
        twice: Whether the rows under DANE are about the sessions of those under MTA-STS: then they are in the reports that those are in.
    """
    if parts == 1:
        return [rows]
    spread: list[list[Applied]] = [[] for _ in range(parts)]
    again = [row for row in rows if row.policy_type == "tlsa"] if twice else []
    for row in rows:
        if row in again:
            continue
        # Which mentions are of which session is not known, so those of a policy stay together.
        _put(row, spread, split(rng, row.success, [1.0] * parts), rng.randrange(parts))
    room = [sum(row.success + row.failure for row in part if row.policy_type == "sts") for part in spread]
    most = max(range(parts), key=room.__getitem__)
    if len(again) > 1 or any(row.success + row.failure != sum(room) or row.failure > room[most] for row in again):
        return [rows]  # which session is in which report cannot be told for both: all in one
    for row in again:
        room[most] -= row.failure
        _put(row, spread, room, most)
    return spread


def _put(row: Applied, spread: list[list[Applied]], good: Sequence[int], bad: int) -> None:
    for part, success in enumerate(good):
        failure, failed = (row.failure, row.failed) if part == bad else (0, [])
        if success or failure:
            spread[part].append(Applied(row.policy_type, row.sts, row.hosts, row.broken_lines, success, failure, failed))


def for_part(document: Document, day: date, part: int, parts: int) -> Document:
    """Return a document of a whole day as that of one part of it.

    Args:
        document: The report of a whole day.
        day: That day, UTC.
        part: Which part, numbered from 0; all are equally long.
        parts: Into how many the day is divided.
    """
    begin = datetime.combine(day, time(), UTC) + timedelta(days=1) * part / parts
    end = begin + timedelta(days=1) / parts - timedelta(seconds=1)
    window = {"start-datetime": f"{begin:%Y-%m-%dT%H:%M:%SZ}", "end-datetime": f"{end:%Y-%m-%dT%H:%M:%SZ}"}
    return {**document, "date-range": window, "report-id": f"{document['report-id']}.{part}"}


def by_host(rows: Sequence[Applied]) -> dict[str, Applied]:
    """Return the `tlsa` rows of all domains as one for each MX host."""
    told: dict[str, Applied] = {}
    for row in rows:
        name = row.hosts[0].name
        host = told.setdefault(name, Applied("tlsa", hosts=row.hosts))
        host.success += row.success
        host.failure += row.failure
        host.failed += row.failed
    return told
