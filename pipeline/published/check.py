"""Checks what one domain publishes: looks everything up, and returns findings and the documents they rest on.

Names are looked up and connections made only for the domain that was asked for, and for the policy host and MX hosts that it
publishes itself; never for a name out of a report.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from pipeline.published import smtp, web
from pipeline.published.dns import Answer, Names
from pipeline.published.finding import Finding
from pipeline.published.history import Published, judge_change
from pipeline.published.mx import NULL_MX, judge_mx
from pipeline.published.policy_text import PolicyText, read_policy
from pipeline.published.records import TlsrptRecord, read_sts, read_tlsrpt
from pipeline.published.servers import judge_fetch, judge_server, judge_tlsa


class Ways(NamedTuple):
    """How to look: resolver, ports and patience."""

    resolver: str = ""
    timeout: float = 10.0
    ca_file: str = ""
    https_port: int = 443
    smtp_port: int = 25
    helo: str = "localhost"


class Checked(NamedTuple):
    """One domain, checked."""

    domain: str
    at: datetime
    findings: tuple[Finding, ...]
    published: Published


def check_domain(domain: str, ways: Ways, *, now: datetime, before: Published | None = None) -> Checked:
    """Look up and judge everything a domain publishes about TLS for its mail.

    Args:
        domain: The domain, as a lower-case A-label.
        ways: How to look.
        now: The time, for certificates.
        before: What the last check saw.
    """
    names = Names(ways.resolver, timeout=ways.timeout)
    record, findings = _tlsrpt(names, domain)
    sts_id, policy, of_sts = _sts(names, domain, ways)
    hosts = names.mail_hosts(domain)
    of_mx = [_unknown("mx", domain, hosts)] if hosts.trouble else judge_mx(domain, hosts.values, policy)
    tlsa, of_servers = _servers(names, [] if list(hosts.values) == [NULL_MX] else hosts.values, ways, now)
    published = Published(
        sts_id=sts_id,
        policy_lines=policy.lines if policy else None,
        tlsrpt_text=record.text if record else None,
        mx_hosts=hosts.values,
        tlsa=tuple(sorted(tlsa)),
    )
    of_change = judge_change(domain, before, published)
    return Checked(domain, now, (*findings, *of_sts, *of_mx, *of_servers, *of_change), published)


class Live(NamedTuple):
    """What a domain publishes at this moment, as far as it could be looked at; `known` says that an empty answer is an answer."""

    policy: PolicyText | None = None
    policy_known: bool = False
    mx_hosts: tuple[str, ...] = ()
    """The domain itself where it has no MX record and takes mail at its own address (RFC 5321 §5.1)."""
    mx_known: bool = False
    tlsa: tuple[str, ...] = ()
    tlsa_known: bool = False


def look_at_published(domain: str, ways: Ways) -> Live:
    """Look up the policy, MX hosts and TLSA records of a domain, without connecting to its mail servers.

    A policy that is served counts without its TXT record, too: a sender that holds it may go on fetching it (RFC 8461 §3.3).
    """
    names = Names(ways.resolver, timeout=ways.timeout)
    policy, known = _live_policy(names, domain, ways)
    answer = names.mail_hosts(domain)
    hosts = answer.values
    if not hosts and not answer.trouble and names.addresses(domain).values:
        hosts = (domain,)
    tlsa = [(host, *names.tlsa(host, ways.smtp_port)) for host in hosts if host != NULL_MX]
    return Live(
        policy,
        known,
        hosts,
        not answer.trouble,
        tuple(sorted(f"{host} {record}" for host, records, _ in tlsa for record in records)),
        not answer.trouble and not any(found.trouble for _, _, found in tlsa),
    )


def _live_policy(names: Names, domain: str, ways: Ways) -> tuple[PolicyText | None, bool]:
    host = f"mta-sts.{domain}"
    addresses = names.addresses(host)
    if not addresses.values:
        return None, not addresses.trouble
    answer = web.fetch(host, addresses.values, port=ways.https_port, timeout=ways.timeout, ca_file=ways.ca_file)
    if isinstance(answer, web.Trouble):
        return None, False
    if answer.status != 200:
        return None, answer.status in {404, 410}
    policy, _ = read_policy(host, answer.body)
    return policy, policy is not None


def _unknown(check: str, where: str, answer: Answer) -> Finding:
    why = "it could not be looked at, which proves nothing"
    return Finding(
        check, f"{check}-not-checked", "unknown", where, answer.trouble, why, "run the check again; ask the name servers if it stays so"
    )


def _tlsrpt(names: Names, domain: str) -> tuple[TlsrptRecord | None, list[Finding]]:
    answer = names.texts(f"_smtp._tls.{domain}")
    if answer.trouble:
        return None, [_unknown("tlsrpt-record", f"_smtp._tls.{domain}", answer)]
    record, findings = read_tlsrpt(domain, answer.values)
    for target in record.mail_domains if record else ():
        mail = names.mail_hosts(target)
        if not mail.trouble and not mail.values and not names.addresses(target).values:
            why = "reports cannot be delivered there (RFC 8460 §3)"
            findings = [each for each in findings if each.severity != "ok"]
            findings.append(
                Finding(
                    "tlsrpt-record",
                    "tlsrpt-rua-unreachable",
                    "bad",
                    f"_smtp._tls.{domain}",
                    f"{target} takes no mail",
                    why,
                    "correct the address",
                )
            )
    return record, findings


def _sts(names: Names, domain: str, ways: Ways) -> tuple[str | None, PolicyText | None, list[Finding]]:
    answer = names.texts(f"_mta-sts.{domain}")
    if answer.trouble:
        return None, None, [_unknown("sts-record", f"_mta-sts.{domain}", answer)]
    record, findings = read_sts(domain, answer.values)
    if record is None and all(finding.code == "sts-record-missing" for finding in findings):
        return None, None, findings
    policy, of_policy = _policy(names, domain, ways)
    return record.id if record else None, policy, [*findings, *of_policy]


def _policy(names: Names, domain: str, ways: Ways) -> tuple[PolicyText | None, list[Finding]]:
    host = f"mta-sts.{domain}"
    url = f"https://{host}{web.PATH}"
    addresses = names.addresses(host)
    if addresses.trouble and not addresses.values:
        return None, [_unknown("sts-policy", host, addresses)]
    if not addresses.values:
        why = "senders cannot fetch the policy (RFC 8461 §3.3)"
        return None, [
            Finding("sts-policy", "policy-host-missing", "bad", host, "the policy host has no address", why, "publish one", f"{host}. A …")
        ]
    answer = web.fetch(host, addresses.values, port=ways.https_port, timeout=ways.timeout, ca_file=ways.ca_file)
    findings = judge_fetch(url, host, answer)
    if isinstance(answer, web.Trouble) or answer.status != 200:
        return None, findings
    policy, of_text = read_policy(url, answer.body)
    findings += of_text
    if not findings and policy is not None:
        says = f"mode {policy.mode}, max_age {policy.max_age_seconds:,} seconds, {len(policy.mx)} mx patterns"
        findings = [Finding("sts-policy", "policy-ok", "ok", url, says)]
    return policy, findings


def _servers(names: Names, hosts: tuple[str, ...] | list[str], ways: Ways, now: datetime) -> tuple[list[str], list[Finding]]:
    findings: list[Finding] = []
    tlsa: list[str] = []
    for host in hosts:
        addresses = names.addresses(host)
        if not addresses.values:
            findings.append(_no_address(host, addresses))
            continue
        seen = [
            smtp.look(host, each, port=ways.smtp_port, name=ways.helo, timeout=ways.timeout, ca_file=ways.ca_file)
            for each in addresses.values
        ]
        for address, server in zip(addresses.values, seen, strict=True):
            findings += judge_server(host, address, server, now=now, port=ways.smtp_port)
        records, answer = names.tlsa(host, ways.smtp_port)
        if answer.trouble:
            findings.append(_unknown("tlsa", f"_{ways.smtp_port}._tcp.{host}", answer))
        tlsa += [f"{host} {record}" for record in records]
        findings += judge_tlsa(host, records, secure=answer.secure, servers=seen, port=ways.smtp_port)
    return tlsa, findings


def _no_address(host: str, answer: Answer) -> Finding:
    if answer.trouble:
        return _unknown("smtp", host, answer)
    return Finding(
        "smtp",
        "mx-without-address",
        "bad",
        host,
        "the MX host has no address",
        "mail cannot be delivered to it",
        "publish one, or remove the MX record",
    )
