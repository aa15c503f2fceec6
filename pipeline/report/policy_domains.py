"""The recipient domain of each policy row: whose mail the sessions were for.

`sts` and `no-policy-found` name it themselves. The policy-domain of a `tlsa` policy is the MX host (RFC 8460 §1.1), except from senders
that write the recipient domain there, and so the recipient domain is known only from elsewhere. File names are never asked: RFC 8460
gives them no meaning (erratum 8582).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from pipeline.report.envelope import NO_ENVELOPE
from pipeline.report.model import Rejected
from pipeline.report.names import valid_domain

if TYPE_CHECKING:
    from pipeline.message.verdict import Verdict
    from pipeline.report.model import Envelope, ParsedReport, PolicyResult

_NAMES_RECIPIENT = frozenset({"sts", "no-policy-found"})
"""Policy types whose policy-domain is the recipient domain (RFC 8460 §1.1)."""


class Owned(Protocol):
    """What is ours: domains and MX hosts, as lower-case A-labels."""

    @property
    def own(self) -> tuple[str, ...]:
        """Our domains; none means that every domain is ours."""

    @property
    def mx(self) -> tuple[str, ...]:
        """Our MX hosts."""


class ReportDomain(NamedTuple):
    """The recipient domain of one policy row and how it is known."""

    domain: str
    source: str
    """policy, sts_policy, signed_header, signed_subject, policy_tlsa, unsigned_header or only_own."""
    quirks: tuple[str, ...] = ()


def report_domains(report: ParsedReport, envelope: Envelope, verdict: Verdict, own: Owned) -> list[ReportDomain] | Rejected:
    """Return the recipient domain of each policy, in order, or `report_domain_unknown` where nothing at all names one.

    Args:
        report: Its policies name domains, or at least MX hosts.
        envelope: Of the mail it came in; `NO_ENVELOPE` for a file.
        verdict: What authentication says of it: only signed headers are proof.
        own: What is ours: it tells what the policy-domain of a `tlsa` policy means, and a file that names nothing.
    """
    found: list[ReportDomain] = []
    for policy in report.policies:
        if policy.policy_type in _NAMES_RECIPIENT:
            named = valid_domain(policy.policy_domain)
            if named is not None:
                found.append(ReportDomain(named, "policy"))
                continue
        domain = _elsewhere(policy, report, envelope, verdict, own)
        if domain is None and envelope is NO_ENVELOPE and len(own.own) == 1:
            # A file that names nothing, imported by somebody who has one domain.
            domain = ReportDomain(own.own[0], "only_own", ("report_domain_assumed",))
        if domain is None:
            return Rejected("report_domain_unknown", f"policy {len(found)} and the mail around it name no recipient domain")
        found.append(domain)
    return found


def _elsewhere(policy: PolicyResult, report: ParsedReport, envelope: Envelope, verdict: Verdict, own: Owned) -> ReportDomain | None:
    """Look for the recipient domain of a policy that does not name it: best proof first."""
    # Postfix with sys4's tlsrpt-reporter leaves policy-domain out of `no-policy-found`
    derived = ("policy_domain_derived",) if policy.policy_domain is None else ()
    neighbours = _neighbour(policy, report)
    if neighbours is not None:
        return ReportDomain(neighbours, "sts_policy", derived)
    signed = _signed(envelope, verdict)
    if signed is not None:
        return signed._replace(quirks=derived)
    ours = _ours(policy.policy_domain, own)
    return ReportDomain(ours, "policy_tlsa") if ours is not None else _claimed(policy, report, envelope, derived)


def _claimed(policy: PolicyResult, report: ParsedReport, envelope: Envelope, derived: tuple[str, ...]) -> ReportDomain | None:
    """Take an unsigned word for it: the header; the policy-domain, because the MX host is better than no report; the Subject."""
    header = valid_domain(envelope.tls_report_domain)
    if header is not None:
        return ReportDomain(header, "unsigned_header", (*derived, "report_domain_unsigned"))
    host = valid_domain(policy.policy_domain)
    if host is None and envelope.subject_report_domain is not None:
        return ReportDomain(envelope.subject_report_domain, "unsigned_header", (*derived, "report_domain_unsigned"))
    named = {name for other in report.policies if (name := valid_domain(other.policy_domain)) is not None}
    if host is None and named:
        # one of several, but the same whatever their order
        host = min(named)
    return ReportDomain(host, "policy_tlsa", ("policy_domain_derived",)) if host is not None else None


def _neighbour(policy: PolicyResult, report: ParsedReport) -> str | None:
    """Return what the other policies of the report say: the same domain (Microsoft writes it into tlsa policies too), or their only one."""
    for types in ({"sts"}, _NAMES_RECIPIENT):
        domains = {valid_domain(other.policy_domain) for other in report.policies if other.policy_type in types}
        if policy.policy_domain is not None and policy.policy_domain in domains:
            return policy.policy_domain
        only = _only(domains)
        if only is not None:
            return only
    return None


def _only(domains: set[str | None]) -> str | None:
    domains.discard(None)
    return domains.pop() if len(domains) == 1 else None


def _signed(envelope: Envelope, verdict: Verdict) -> ReportDomain | None:
    """Return what a header says that the passing signature covers and that occurs once (RFC 8460 §5.3)."""
    if verdict.authenticated_domain is None:
        return None
    header = valid_domain(envelope.tls_report_domain)
    if header is not None and "tls-report-domain" in verdict.dkim_signed_headers:
        return ReportDomain(header, "signed_header")
    if envelope.subject_report_domain is not None and "subject" in verdict.dkim_signed_headers:
        return ReportDomain(envelope.subject_report_domain, "signed_subject")
    return None


def _ours(policy_domain: str | None, own: Owned) -> str | None:
    """Return our domain that a tlsa policy-domain means: itself, or the only domain we have where it is our MX host."""
    if policy_domain is None:
        return None
    if policy_domain in own.own:
        return policy_domain
    return own.own[0] if policy_domain in own.mx and len(own.own) == 1 else None
