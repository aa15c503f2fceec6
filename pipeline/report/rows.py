"""From a reading to the rows of the lake, before the lake has settled which of them are new (RFC 8460 §4.4)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from pipeline.message.verdict import Verdict
from pipeline.report.json.moments import report_day
from pipeline.report.keys.identity import identity_of, report_key, submitter_of
from pipeline.report.model import ParsedReport, Rejected
from pipeline.report.policy_domains import ReportDomain, report_domains
from pipeline.report.result_types import GROUPS
from pipeline.report.session_overlap import mark_repeats
from pipeline.report.sts_policy import NO_POLICY, read_policy
from pipeline.tables.row_types import PRIVATE_COLUMNS, FailureRow, MessageRow, MessageRows, PolicyRow, ReportRow, ReportRows
from pipeline.tables.schema import Arrival

if TYPE_CHECKING:
    from pipeline.message.fetched import Fetched
    from pipeline.report.model import Envelope, PolicyResult, Reading

_UNJUDGED = Verdict("unverified", "none")
_NO_PART = (None, None, None)
_OUTCOME_OF = {"not_tlsrpt": "not_tlsrpt", "too_large_message": "too_large"}
_TLS_HEADERS = frozenset({"tls-report-domain", "tls-report-submitter"})


class Ownership(NamedTuple):
    """Which domains and MX hosts are ours, as lower-case A-labels. Without `own` every domain is."""

    own: tuple[str, ...] = ()
    mx: tuple[str, ...] = ()


class RunStamp(NamedTuple):
    """What the rows of one run share."""

    run_id: str
    ingested_at: datetime
    parser_version: str


def arrival_of(fetched: Fetched, run: RunStamp) -> Arrival:
    """Return what is known of a message before it is read."""
    received = fetched.received_at
    return Arrival(
        f"{received.year:04}-{received.month:02}", fetched.hashed().sha256 or "", *fetched.ref, received, fetched.size_bytes, *run
    )


class _Carrier(NamedTuple):
    """What came with the reports of one message."""

    envelope: Envelope
    arrival: Arrival
    own: Ownership


class _Frame(NamedTuple):
    """What the rows of one report share."""

    month: str
    key: str
    day: date
    submitter: str
    tier: str


class _Result(NamedTuple):
    """What became of one message."""

    verdict: Verdict
    refused: Rejected | None
    keys: tuple[str, ...]


def build_rows(*, fetched: Fetched, reading: Reading, verdicts: Sequence[Verdict], own: Ownership, run: RunStamp) -> MessageRows:
    """Return the rows of one message.

    Args:
        fetched: The message.
        reading: What was read of it.
        verdicts: What authentication says about each of `reading.parts`, in their order.
        own: What is ours.
        run: What the rows of this run share.
    """
    carrier = _Carrier(reading.envelope, arrival_of(fetched, run), own)
    reports: dict[str, ReportRows] = {}
    judged = verdicts[0] if verdicts else _UNJUDGED
    refused = reading.rejected
    for part, given in zip(reading.parts, verdicts, strict=True):
        verdict = given
        rows = part.result if isinstance(part.result, Rejected) else _report_rows(part.result, verdict, carrier)
        if given.authenticated_domain is not None and isinstance(rows, ReportRows) and _is_about_unsigned(rows):
            # A genuine report about others' hosts may have our domain in a header that nobody signed.
            verdict = given.not_believed()
            rows = _report_rows(part.result, verdict, carrier) if isinstance(part.result, ParsedReport) else part.result
        if isinstance(rows, Rejected):
            refused = refused or rows
        else:
            judged = judged if reports else verdict
            reports.setdefault(rows.report.report_key, rows)
    message = _message_row(reading, _Result(judged, refused, tuple(reports)), carrier)
    if message.outcome == "not_tlsrpt":
        kept = zip(MessageRow._fields, message, strict=True)
        message = MessageRow._make(None if name in PRIVATE_COLUMNS else value for name, value in kept)
    return MessageRows(message, tuple(reports.values()), fetched.content or b"")


def _is_about_unsigned(rows: ReportRows) -> bool:
    """Whether an unsigned header alone says whose mail a report is about."""
    return any(policy.report_domain_source == "unsigned_header" for policy in rows.policies)


@lru_cache(maxsize=4096)
def _month(day: date) -> str:
    return f"{day:%Y-%m}"


def _report_rows(report: ParsedReport, verdict: Verdict, carrier: _Carrier) -> ReportRows | Rejected:
    domains = report_domains(report, carrier.envelope, verdict, carrier.own)
    if isinstance(domains, Rejected):
        return domains
    distinct = tuple(sorted({domain.domain for domain in domains}))
    submitter, source = submitter_of(report, carrier.envelope, verdict)
    identity = identity_of(report, submitter, distinct)
    tier = verdict.trust_tier
    day = report_day(report.window_start, report.window_end)
    frame = _Frame(_month(day), report_key(identity, tier, report.content_sha256), day, submitter, tier)
    policies = tuple([_policy_row(frame, index, *pair) for index, pair in enumerate(zip(report.policies, domains, strict=True))])
    failures: list[FailureRow] = []
    for row, policy in zip(policies, report.policies, strict=True):
        if policy.failures:
            failures += _failure_rows(frame, row, policy)
    head = ReportRow(
        frame.month,
        frame.key,
        identity,
        report.content_sha256,
        carrier.arrival.message_sha256,
        day,
        distinct,
        submitter,
        source,
        tier,
        report.organization_name,
        report.contact_info,
        report.report_id,
        report.window_start,
        report.window_end,
        report.window_start_raw,
        report.window_end_raw,
        carrier.arrival.received_at,
        len(policies),
        len(failures),
        _quirks(report, domains),
        report.unknown_members,
        report.unknown_member_count,
        carrier.arrival.ingested_at,
        carrier.arrival.parser_version,
    )
    return ReportRows(head, mark_repeats(policies), tuple(failures))


def _quirks(report: ParsedReport, domains: list[ReportDomain]) -> tuple[str, ...]:
    """Return the quirks of a report and those of finding its domains."""
    more = {quirk for domain in domains for quirk in domain.quirks}
    return tuple(sorted({*report.quirks, *more})) if more else report.quirks


def _policy_row(frame: _Frame, index: int, policy: PolicyResult, domain: ReportDomain) -> PolicyRow:
    strings = policy.policy_strings
    fields, digest = read_policy(strings) if strings else (NO_POLICY, None)
    sts = fields if policy.policy_type == "sts" else NO_POLICY
    mentions = sum([detail.failed_session_count for detail in policy.failures]) if policy.failures else 0
    return PolicyRow(
        frame.month,
        frame.key,
        index,
        frame.day,
        domain.domain,
        domain.source,
        frame.submitter,
        frame.tier,
        policy.policy_type,
        policy.policy_type_raw,
        policy.policy_domain if policy.policy_domain is not None else domain.domain,
        policy.policy_domain is None,
        strings,
        digest,
        sts.version,
        sts.mode,
        sts.max_age_seconds,
        sts.mx,
        policy.mx_host,
        strings if policy.policy_type == "tlsa" else (),
        policy.success_count,
        policy.failure_count,
        mentions,
        mentions != policy.failure_count,
    )


def _failure_rows(frame: _Frame, row: PolicyRow, policy: PolicyResult) -> list[FailureRow]:
    """Return the rows of all details of a policy; they differ only in what the detail says."""
    before = (frame.month, frame.key, row.policy_ix)
    between = (frame.day, row.report_domain, frame.submitter, frame.tier, row.policy_type, row.policy_domain, row.policy_hash)
    make, group = FailureRow._make, GROUPS.get
    return [
        make((*before, index, *between, detail[0], detail[1], group(detail[0], "other"), *detail[2:]))
        for index, detail in enumerate(policy.failures)
    ]


def _message_row(reading: Reading, result: _Result, carrier: _Carrier) -> MessageRow:
    envelope, arrival = reading.envelope, carrier.arrival
    verdict, refused, keys = result
    first = reading.parts[0][:3] if reading.parts else _NO_PART
    return MessageRow(
        *arrival[:8],
        envelope.header_date,
        envelope.message_id,
        envelope.subject,
        arrival.size_bytes,
        envelope.from_domain,
        envelope.tls_report_domain,
        envelope.tls_report_submitter,
        _headers_signed(reading, verdict),
        envelope.subject_report_id,
        *first,
        verdict.auth_method,
        verdict.dkim_result,
        verdict.dkim_domain,
        verdict.dkim_selector,
        verdict.dkim_algorithm,
        verdict.dkim_key_bits,
        verdict.dkim_key_record,
        verdict.dkim_signed_headers,
        verdict.authserv_id,
        verdict.trust_tier,
        _outcome(result),
        refused.code if refused is not None else None,
        refused.detail if refused is not None else None,
        keys,
        arrival.run_id,
        arrival.ingested_at,
        None,
        arrival.parser_version,
    )


def _outcome(result: _Result) -> str:
    """Say what became of a message, before the lake has settled whether its reports are new."""
    if result.keys:
        return "stored"
    return _OUTCOME_OF.get(result.refused.code, "quarantined") if result.refused is not None else "not_tlsrpt"


def _headers_signed(reading: Reading, verdict: Verdict) -> bool | None:
    """Whether a passing signature covers the TLS-Report headers; None where there is no passing signature, or no such header."""
    if verdict.dkim_result != "pass" or reading.envelope.tls_report_domain is None:
        return None
    return _TLS_HEADERS.issubset(verdict.dkim_signed_headers)
