"""A change held against everything it has to fit before it is made: hosts, certificates, TLSA records, and the policies senders hold."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from pipeline.published.dns_lookup import DnsAnswer, LookUps
from pipeline.published.finding import Finding
from pipeline.published.mail_hosts import judge_hosts, look_at_mail, trusted_roots
from pipeline.published.mx import NULL_MX, judge_mx
from pipeline.published.plan_state import held_on
from pipeline.published.policy_text import PolicyText, read_policy_file
from pipeline.published.sts import Sts
from pipeline.published.tlsa import matches, names_one_of
from pipeline.report.sts_policy import covers_host

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography.x509 import Certificate

    from pipeline.published.look_settings import Ways
    from pipeline.published.mail_hosts import Host
    from pipeline.published.plan_state import PlanState
    from pipeline.published.smtp import Server
    from pipeline.published.tlsa import Tlsa


class Proposal(NamedTuple):
    """What is to be published; what is not named stays as it is."""

    policy: bytes | None = None
    """The policy file."""
    mx: tuple[str, ...] = ()
    """All MX hosts to be."""
    tlsa: tuple[Tlsa, ...] = ()
    """All TLSA records to be, of every MX host."""
    chain: tuple[Certificate, ...] = ()
    """The certificate to be served by every MX host, with its chain."""


class EnforceStanding(NamedTuple):
    """What the reports say of `enforce`: the verdict of `readiness`, and its reasons."""

    verdict: str
    reasons: tuple[str, ...] = ()

    @property
    def allows(self) -> bool:
        """Whether nothing is against it."""
        return self.verdict in {"ready", "already-enforcing"}


def check_proposed(
    domain: str, proposal: Proposal, state: PlanState, standing: EnforceStanding, ways: Ways, *, now: datetime
) -> list[Finding]:
    """Judge a change before it is made.

    Args:
        domain: Lower-case A-label.
        proposal: What would be published instead; what it leaves out stays as it is.
        state: What is published, and what senders may hold.
        standing: The verdict on enforce.
        ways: How to look.
        now: The time, for certificates.
    """
    names = LookUps(ways.resolver, timeout=ways.timeout)
    findings: list[Finding] = []
    policy = _published(state)
    if proposal.policy is not None:
        policy, findings = read_policy_file("the proposed policy", proposal.policy)
        if policy is None:
            return findings
        findings += _judge_enforce(domain, policy, state, standing)
    mx, implicit, hosts = look_at_mail(names, domain, ways, proposal.mx)
    if mx.trouble:
        why = "it could not be checked, which proves nothing"
        return [*findings, Finding("mx", "mx-not-checked", "unknown", domain, mx.trouble, why, "run the check again")]
    if proposal.mx:
        findings += _judge_held(proposal.mx, state)
    findings += _of_cached(domain, policy, mx, state, proposal)
    findings += judge_mx(domain, mx.values, policy, implicit=implicit)
    trusted = trusted_roots(ways) if proposal.chain else ()
    # A certificate is for the hosts that it names; one that names none of them is judged at all of them.
    named = [host.name for host in hosts if proposal.chain and names_one_of(proposal.chain[0], {host.name})] or [
        host.name for host in hosts
    ]
    hosts = [_changed(host, proposal, trusted, serves=host.name in named) for host in hosts]
    if proposal.chain:
        hosts = [host for host in hosts if host.name in named]
        findings += [finding for host in hosts for finding in _since_when(host, ways, state, proposal, now)]
    findings += judge_hosts(hosts, domain, Sts(None, policy, [], is_absent=policy is None and not state.seen.held), ways, now)
    return findings


def _published(state: PlanState) -> PolicyText | None:
    policy = state.seen.published
    return PolicyText(policy.lines, policy.mode, policy.max_age_seconds, policy.mx) if policy is not None else None


def _judge_enforce(domain: str, policy: PolicyText, state: PlanState, standing: EnforceStanding) -> list[Finding]:
    """Hold a step up to enforce against the verdict."""
    published = state.seen.published
    if policy.mode != "enforce" or standing.allows or (published is not None and published.mode == "enforce"):
        return []
    what = f"the verdict on enforce is {standing.verdict}: {'; '.join(standing.reasons[:3]) or 'no reason was given'}"
    why = "under enforce senders refuse what they only report under testing (RFC 8461 §5)"
    fix = f"stay in testing; `tlsrpt readiness {domain}` says what is missing"
    return [Finding("sts-policy", "enforce-not-ready", "error", domain, what, why, fix)]


def _judge_held(hosts: Sequence[str], state: PlanState) -> list[Finding]:
    """Say which policy that a sender may hold would refuse one of the hosts, and how long."""
    found = []
    for host in hosts:
        ends = [
            held.until
            for held in held_on(state)
            if host != NULL_MX and held.mode == "enforce" and held.until >= state.today and not covers_host(held.mx, host)
        ]
        if ends:
            last = max(ends)
            what = f"senders may hold a policy in mode enforce that does not name {host} until {last}"
            why = "they deliver no mail to it until then (RFC 8461 §4.1)"
            fix = f"name it in the policy first, change the id, and publish the MX record after {last}; `tlsrpt plan` has the steps"
            found.append(Finding("mx", "mx-held-policy", "error", host, what, why, fix))
    return found[:10]


def _of_cached(domain: str, policy: PolicyText | None, mx: DnsAnswer, state: PlanState, proposal: Proposal) -> list[Finding]:
    """Say which MX host that resolvers may still hold a proposed policy leaves out."""
    if proposal.policy is None or policy is None or policy.mode == "none":
        return []
    gone = [host for host in state.mx_before if host not in mx.values and host != NULL_MX]
    return [
        Finding(
            "mx",
            "mx-cached",
            "warn",
            host,
            f"{host} was an MX host of {domain} at the last check, and the proposed policy does not name it",
            "senders whose resolver still holds the old MX record would refuse it (RFC 8461 §8.1)",
            "keep its line for two days more",
        )
        for host in gone
        if not covers_host(policy.mx, host)
    ]


def _changed(host: Host, proposal: Proposal, trusted: Sequence[Certificate], *, serves: bool) -> Host:
    """Return a host as it would be."""
    names = host.names
    if proposal.tlsa:
        secure = names.answer.secure or names.addresses.secure
        names = names._replace(records=proposal.tlsa, answer=names.answer._replace(trouble="", secure=secure))
    servers = host.servers
    if proposal.chain and serves:
        servers = tuple(_serving(server, proposal.chain, host.name, trusted) for server in servers)
    return host._replace(names=names, servers=servers)


def _serving(server: Server, chain: tuple[Certificate, ...], host: str, trusted: Sequence[Certificate]) -> Server:
    """Return what a server would show with another certificate."""
    says = "" if names_one_of(chain[0], {host}) else f"Hostname mismatch, the proposed certificate does not name {host}"
    says = says or ("" if _leads_to(chain, trusted) else "the proposed chain leads to no root certificate that is trusted here")
    return server._replace(state="tls", tls_version="", chain=chain, verifies=not says, verify_says=says, trouble="")


def _leads_to(chain: Sequence[Certificate], trusted: Sequence[Certificate]) -> bool:
    """Whether a chain is complete, in order, up to a trusted root."""
    for place, certificate in enumerate(chain):
        if any(_issued(certificate, root) for root in trusted):
            return True
        if place + 1 == len(chain) or not _issued(certificate, chain[place + 1]):
            return False
    return False


def _issued(certificate: Certificate, issuer: Certificate) -> bool:
    from cryptography.exceptions import InvalidSignature

    if certificate.issuer != issuer.subject:
        return False
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _since_when(host: Host, ways: Ways, state: PlanState, proposal: Proposal, now: datetime) -> list[Finding]:
    """Say whether the record of a new certificate has been published long enough."""
    if proposal.tlsa or not host.names.applies:
        return []
    waited = state.tlsa_since is not None and now - state.tlsa_since >= timedelta(seconds=2 * host.names.answer.ttl_seconds)
    there = {text.partition(" ")[2] for text in state.tlsa_before if waited and text.partition(" ")[0] == host.name}
    fitting = [record for record in host.names.records if matches(record, proposal.chain)]
    if not fitting or any(str(record) in there for record in fitting):
        return []
    where = f"_{ways.smtp_port}._tcp.{host.name}"
    what = "the record of the new certificate is published, and no check saw it two TTLs ago or earlier"
    why = "resolvers may still hold the records without it (RFC 7671 §8.1)"
    fix = "run `tlsrpt check` now, and serve the new certificate two TTLs later"
    return [Finding("tlsa", "tlsa-too-new", "unknown", where, what, why, fix)]
