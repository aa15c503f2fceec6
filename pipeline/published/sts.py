"""Looking for the MTA-STS of a domain: the record, the policy host, and the policy, too, where there is no record (RFC 8461 §3)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

from pipeline.published import web
from pipeline.published.dns_lookup import DnsAnswer, LookUps, not_checked
from pipeline.published.finding import Finding
from pipeline.published.look_settings import MOST_ADDRESSES
from pipeline.published.policy_text import PolicyText, encoded, read_policy_file
from pipeline.published.records import read_sts
from pipeline.published.servers import judge_fetch, judge_media_type
from pipeline.published.tlsrpt import near_miss

if TYPE_CHECKING:
    from pipeline.published.look_settings import Ways


class Sts(NamedTuple):
    """What was found of a domain's MTA-STS."""

    id: str | None
    policy: PolicyText | None
    findings: list[Finding]
    is_absent: bool = False
    """Whether it is sure that there is none: neither a record nor a policy."""


def look_for_sts(names: LookUps, domain: str, ways: Ways) -> Sts:
    """Look for the record and the policy; the policy, too, where there is no record: the advice depends on it.

    Args:
        names: Asks the DNS.
        domain: The domain, as a lower-case A-label.
        ways: How to look.
    """
    host, name = f"mta-sts.{domain}", f"_mta-sts.{domain}"
    with ThreadPoolExecutor(max_workers=2) as threads:
        looking = threads.submit(names.texts, name)
        addresses = threads.submit(names.addresses, host).result()
        answer = looking.result()
    policy, of_policy = _policy(host, addresses, ways)
    if answer.trouble:
        unknown = [not_checked("sts-record", name, answer)]
        return Sts(None, policy, unknown + (of_policy if addresses.values else []))
    record, findings = read_sts(domain, answer.values)
    if record is None and all(finding.code == "sts-record-missing" for finding in findings):
        near = near_miss(names, "sts", name, domain)
        findings = [near] if near is not None else findings
        if policy is None:
            findings = [_first_the_policy(domain, finding) for finding in findings]
        return Sts(None, policy, findings, is_absent=policy is None and not addresses.trouble and near is None)
    if answer.canonical:
        of_policy = [_of_alias(finding, domain, answer.canonical) for finding in of_policy]
    return Sts(record.id if record else None, policy, [*findings, *of_policy])


def _first_the_policy(domain: str, finding: Finding) -> Finding:
    """Advise the order that breaks nothing: a record without a policy makes every sender report a failure to fetch it."""
    fix = (
        f"first serve a policy in mode testing at https://mta-sts.{domain}{web.PATH} (`tlsrpt policy render {domain} --mode testing` "
        "writes it), and only when it is served publish the record"
    )
    return finding._replace(fix=fix, publish="")


def _of_alias(finding: Finding, domain: str, target: str) -> Finding:
    if finding.severity != "error":
        return finding
    fix = (
        f"{finding.fix}; the record is an alias of {target}, which is not enough: senders fetch from mta-sts.{domain}, so that name has to "
        "lead to a host that serves the policy with a certificate of that name (RFC 8461 §8.2)"
    )
    return finding._replace(fix=fix)


def fetch_policy(host: str, addresses: DnsAnswer, ways: Ways) -> web.PolicyAnswer | web.Trouble:
    """Fetch the file from the first `MOST_ADDRESSES` of the host's addresses, all at once; the first of them that serves it counts.

    Args:
        host: `mta-sts.<domain>`.
        addresses: What the DNS gave for it.
        ways: Port, patience and private CA.
    """
    return web.fetch(host, addresses.values[:MOST_ADDRESSES], port=ways.https_port, timeout=ways.timeout, ca_file=ways.ca_file)


def read_served(url: str, page: web.PolicyAnswer) -> tuple[PolicyText | None, list[Finding]]:
    """Read the policy of an answer with status 200, as a sender would; what a sender cannot read is none."""
    if page.encoding not in {"", "identity"}:
        return None, [encoded(url, page.encoding)]
    return read_policy_file(url, page.body)


def _policy(host: str, addresses: DnsAnswer, ways: Ways) -> tuple[PolicyText | None, list[Finding]]:
    url = f"https://{host}{web.PATH}"
    if not addresses.values:
        if addresses.trouble:
            return None, [not_checked("sts-policy", host, addresses)]
        why = "senders cannot fetch the policy (RFC 8461 §3.3)"
        what = "the policy host has no address"
        return None, [Finding("sts-policy", "policy-host-missing", "error", host, what, why, "publish one", f"{host}. A ADDRESS")]
    answer = fetch_policy(host, addresses, ways)
    findings = judge_fetch(url, host, answer)
    if addresses.trouble:
        findings.append(not_checked("sts-policy", host, addresses))
    if isinstance(answer, web.Trouble) or answer.status != 200:
        return None, findings
    policy, of_text = read_served(url, answer)
    if policy is not None or not of_text:
        findings += judge_media_type(url, answer.media_type)
    findings += of_text
    if not findings and policy is not None:
        says = f"mode {policy.mode}, max_age {policy.max_age_seconds:,} seconds, {len(policy.mx)} mx patterns"
        findings = [Finding("sts-policy", "policy-ok", "ok", url, says)]
    return policy, findings
