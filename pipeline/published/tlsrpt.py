"""Looking for the TLSRPT record of a domain, and for a record that is missing at names where others have put it (RFC 8460 §3)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from pipeline.published.dns_lookup import DnsAnswer, LookUps, not_checked
from pipeline.published.finding import Finding
from pipeline.published.mx import NULL_MX
from pipeline.published.records import NEAR_STS, NEAR_TLSRPT, TlsrptRecord, judge_near_miss, read_tlsrpt

if TYPE_CHECKING:
    from pipeline.published.look_settings import Ways

_MOST_TARGETS = 5
"""Domains of report addresses that are looked at, all at once."""


def near_miss(names: LookUps, kind: str, name: str, domain: str) -> Finding | None:
    """Look for a record that is missing at the names where others have put it.

    Args:
        names: Asks the DNS.
        kind: `tlsrpt` or `sts`.
        name: The name at which the record is missing, for the finding.
        domain: Lower-case A-label; its record is missing.
    """
    places = [place.format(domain) for place in (NEAR_TLSRPT if kind == "tlsrpt" else NEAR_STS)]
    with ThreadPoolExecutor(max_workers=len(places)) as threads:
        answers = list(threads.map(names.texts, places))
    found = (judge_near_miss(kind, name, place, answer.values) for place, answer in zip(places, answers, strict=True))
    return next((finding for finding in found if finding is not None), None)


def look_for_tlsrpt(names: LookUps, domain: str, ways: Ways) -> tuple[TlsrptRecord | None, list[Finding]]:
    """Look for the TLSRPT record, and whether mail can be delivered where it leads.

    Args:
        names: Asks the DNS.
        domain: The domain, as a lower-case A-label.
        ways: Where this installation gets its reports, in `ours`.
    """
    name = f"_smtp._tls.{domain}"
    answer = names.texts(name)
    if answer.trouble:
        return None, [not_checked("tlsrpt-record", name, answer)]
    record, findings = read_tlsrpt(domain, answer.values, ways.ours)
    if any(finding.code == "tlsrpt-record-missing" for finding in findings):
        near = near_miss(names, "tlsrpt", name, domain)
        findings = [near] if near is not None else findings
    targets = (record.mail_domains if record else ())[:_MOST_TARGETS]
    if targets:
        with ThreadPoolExecutor(max_workers=len(targets)) as threads:
            judged = [each for each in threads.map(lambda target: _judge_target(names, name, target), targets) if each is not None]
        findings = [each for each in findings if each.severity != "ok" or not any(found.severity == "error" for found in judged)] + judged
    return record, findings


def _judge_target(names: LookUps, name: str, target: str) -> Finding | None:
    """Judge whether mail can be delivered to a domain that a record names; None where it can."""
    mail = names.mail_hosts(target)
    addresses = names.addresses(target) if not mail.trouble and not mail.values else DnsAnswer()
    if mail.trouble or addresses.trouble:
        return not_checked("tlsrpt-record", target, mail if mail.trouble else addresses)
    if mail.values != (NULL_MX,) and (mail.values or addresses.values):
        return None
    why = "reports cannot be delivered there (RFC 8460 §3)"
    return Finding("tlsrpt-record", "tlsrpt-rua-unreachable", "error", name, f"{target} takes no mail", why, "correct the address")
