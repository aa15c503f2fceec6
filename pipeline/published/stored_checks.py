"""Checks as rows of the lake, and the answers about them as typed values: the last check, policies over time, findings, changes."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, NamedTuple

from pipeline.insight.ask import rows_of
from pipeline.published.finding import Severity
from pipeline.published.history import Published
from pipeline.published.seen_by_senders import Before
from pipeline.tables.row_types import CheckRow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.insight.ask import Ask
    from pipeline.published.check import Checked


class LastCheck(NamedTuple):
    """One domain in the question `published_now`, which says what its columns mean."""

    domain: str
    checked_at: datetime
    mx_hosts: list[str]
    tlsa_records: list[str]
    tlsa_since: datetime
    policy_since: datetime | None
    known_sts_id: str | None
    known_policy_lines: list[str] | None
    known_tlsrpt_record: str | None
    read_sts_id: str | None
    read_policy_lines: list[str] | None
    mx_seen_at: datetime | None
    tlsa_seen_at: datetime | None


class PolicyRun(NamedTuple):
    """A policy that checks of a domain found, one after the other, in the question `published_policies`."""

    policy_lines: list[str]
    first_checked_at: datetime
    last_checked_at: datetime
    replaced_at: datetime | None


class StoredFinding(NamedTuple):
    """One finding of the last check of a domain, in the question `checks_latest`."""

    domain: str
    checked_at: datetime
    check_name: str
    code: str
    severity: Severity
    place: str
    what: str
    why: str
    fix: str
    publish: str
    expires_at: datetime | None


class PublishedChange(NamedTuple):
    """A check that found something else published than the one before, in the question `published_changes`."""

    domain: str
    changed_day: date
    policy_changed: bool
    id_changed: bool
    tlsrpt_changed: bool
    mx_changed: bool
    tlsa_changed: bool
    policy_lines: list[str]
    policy_lines_before: list[str]
    sts_id: str | None
    sts_id_before: str | None
    tlsrpt_record: str | None
    tlsrpt_record_before: str | None
    mx_hosts: list[str]
    mx_hosts_before: list[str]
    tlsa_records: list[str]
    tlsa_records_before: list[str]


def last_checks(ask: Ask, checked_until: date | None = None) -> list[LastCheck]:
    """Return what the last check of each domain found published, up to a day (UTC) or at all."""
    return list(rows_of(ask("published_now", checked_until=checked_until), LastCheck))


def check_rows(checked: Checked) -> Iterator[CheckRow]:
    """Yield the rows of one check: one for each finding, each with the documents it rests on."""
    published = checked.published
    for place, finding in enumerate(checked.findings):
        yield CheckRow(
            checked_month=f"{checked.at:%Y-%m}",
            checked_at=checked.at,
            domain=checked.domain,
            finding_ix=place,
            check_name=finding.check,
            code=finding.code,
            severity=finding.severity,
            place=finding.where,
            what=finding.what,
            why=finding.why,
            fix=finding.fix,
            publish=finding.publish,
            tlsrpt_record=published.tlsrpt_text,
            sts_id=published.sts_id,
            policy_lines=published.policy_lines or (),
            mx_hosts=published.mx_hosts,
            tlsa_records=published.tlsa,
            expires_at=finding.expires_at,
            certificate_sha256=finding.certificate_sha256,
        )


def last_published(ask: Ask) -> dict[str, Before]:
    """Return what the last checks of each domain saw, and since when it is so; what the very last could not look at, from those before."""
    return {row.domain: _before(row) for row in last_checks(ask)}


def _before(row: LastCheck) -> Before:
    published = Published(
        sts_id=row.known_sts_id,
        policy_lines=tuple(row.known_policy_lines or ()) or None,
        tlsrpt_text=row.known_tlsrpt_record,
        mx_hosts=tuple(row.mx_hosts),
        tlsa=tuple(row.tlsa_records),
    )
    together = published._replace(sts_id=row.read_sts_id, policy_lines=tuple(row.read_policy_lines or ()) or None)
    return Before(published, (row.policy_since or row.checked_at).date(), row.tlsa_since.date(), together)
