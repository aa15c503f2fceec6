"""Checks as rows of the lake, and what the last one saw."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.published.check_answers import last_checks
from pipeline.published.history import Published
from pipeline.published.seen_by_senders import Before
from pipeline.tables.row_types import CheckRow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.insight.ask import Ask
    from pipeline.published.check import Checked
    from pipeline.published.check_answers import LastCheck


def rows_of(checked: Checked) -> Iterator[CheckRow]:
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
