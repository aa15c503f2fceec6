"""The MX records of a domain held against its policy (RFC 8461 §4.1). Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.published.finding import Finding
from pipeline.report.sts import mx_matches

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.published.policy_text import PolicyText

NULL_MX = "."
"""A domain that takes no mail (RFC 7505 §3)."""


def judge_mx(domain: str, hosts: Sequence[str], policy: PolicyText | None) -> list[Finding]:
    """Hold the MX hosts of a domain against the patterns of its policy.

    Args:
        domain: The domain.
        hosts: Its MX hosts, lower-case, without the final dot; none where it has no MX record.
        policy: Its policy; None where there is none that senders can use.
    """
    if not hosts:
        why = "senders fall back to the address of the domain itself, which no policy can name well (RFC 5321 §5.1)"
        return [Finding("mx", "mx-missing", "warn", domain, "there is no MX record", why, "publish one", f"{domain}. MX 10 mail.{domain}.")]
    if list(hosts) == [NULL_MX]:
        return [Finding("mx", "mx-null", "ok", domain, "the domain takes no mail (RFC 7505)")]
    if policy is None or policy.mode == "none":
        return []
    findings = [_uncovered(host, policy) for host in hosts if not any(mx_matches(pattern, host) for pattern in policy.mx)]
    unused = [pattern for pattern in policy.mx if not any(mx_matches(pattern, host) for host in hosts)]
    findings += [
        Finding(
            "mx",
            "mx-pattern-unused",
            "warn",
            pattern,
            f"the policy names {pattern}, and no MX host is covered by it",
            "harmless while a move is prepared; left over, it allows mail to a host nobody watches (RFC 8461 §8.3)",
            "remove the line once no MX record needs it any more",
        )
        for pattern in unused
    ]
    if not findings:
        findings.append(Finding("mx", "mx-covered", "ok", domain, f"all {len(hosts)} MX hosts are covered by the policy"))
    return findings


def _uncovered(host: str, policy: PolicyText) -> Finding:
    wildcard = next((each for each in policy.mx if each.startswith("*.") and host.endswith(each[1:])), None)
    hint = f"; {wildcard} stands for exactly one label and does not cover it" if wildcard else ""
    lost = "senders deliver no mail to it" if policy.mode == "enforce" else "under enforce senders would deliver no mail to it"
    what = f"the policy does not cover the MX host {host}{hint}"
    return Finding(
        "mx", "mx-not-in-policy", "bad", host, what, f"{lost} (RFC 8461 §4.1)", "add it to the policy, then change the id", f"mx: {host}"
    )
