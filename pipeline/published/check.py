"""Checks what one domain publishes: looks everything up, and returns findings and the documents they rest on.

Names are looked up and connections made only for the domain that was asked for, and for the policy host and MX hosts that it
publishes itself; never for a name out of a report. What does not depend on another look is looked at at the same time, each with one
deadline, so that a check takes about as long as its slowest look.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from pipeline.published.dns_lookup import DnsAnswer, LookUps, not_checked
from pipeline.published.finding import Finding
from pipeline.published.history import Published, judge_change
from pipeline.published.mail_hosts import MOST_HOSTS, Host, judge_hosts, look_at_mail
from pipeline.published.mx import judge_mx
from pipeline.published.sts import look_for_sts
from pipeline.published.tlsrpt import look_for_tlsrpt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.published.look_settings import Ways


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
    names = LookUps(ways.resolver, timeout=ways.timeout)
    with ThreadPoolExecutor(max_workers=3) as threads:
        looking_for_record = threads.submit(look_for_tlsrpt, names, domain, ways)
        looking_for_policy = threads.submit(look_for_sts, names, domain, ways)
        mx, implicit, hosts = threads.submit(look_at_mail, names, domain, ways).result()
        record, findings = looking_for_record.result()
        sts = looking_for_policy.result()
    if mx.no_name:
        what, why = "the name does not exist in the DNS", "nothing can be published below a name that does not exist (RFC 8020)"
        finding = Finding(
            "mx", "domain-missing", "error", domain, what, why, "check that the name is spelled correctly and still registered"
        )
        return Checked(domain, now, (finding,), Published())
    findings += sts.findings
    if mx.trouble:
        findings.append(not_checked("mx", domain, mx))
    else:
        findings += judge_mx(domain, mx.values, sts.policy, implicit=implicit)
    if len(mx.values) > MOST_HOSTS:
        what = f"there are {len(mx.values)} MX hosts; only the first {MOST_HOSTS} were checked"
        findings.append(Finding("mx", "mx-many", "warn", domain, what, "senders try a few of them", "keep those you need"))
    findings += judge_hosts(hosts, domain, sts, ways, now)
    published = Published(
        sts_id=sts.id,
        policy_lines=sts.policy.lines if sts.policy else None,
        tlsrpt_text=record.text if record else None,
        mx_hosts=mx.values or ((domain,) if implicit else ()),
        tlsa=tuple(sorted(f"{host.name} {each}" for host in hosts for each in host.names.records)),
    )
    if before is not None:
        published = _as_last_known(published, before, mx, hosts)
    return Checked(domain, now, (*findings, *judge_change(domain, before, published)), published)


def _as_last_known(now: Published, before: Published, mx: DnsAnswer, hosts: Sequence[Host]) -> Published:
    """Return what is published; MX hosts and TLSA records that could not be looked at are those of the last check, no change of them."""
    if mx.trouble:
        return now._replace(mx_hosts=before.mx_hosts, tlsa=before.tlsa)
    unseen = {host.name for host in hosts if host.names.answer.trouble}
    kept = [text for text in before.tlsa if text.partition(" ")[0] in unseen]
    return now._replace(tlsa=tuple(sorted({*now.tlsa, *kept})))
