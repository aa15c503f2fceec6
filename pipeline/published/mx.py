"""The MX records of a domain held against its policy (RFC 8461 §4.1). Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.published.finding import Finding
from pipeline.published.policy_text import is_pattern
from pipeline.report.sts_policy import covers_host, mx_matches

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.published.policy_text import PolicyText

MOST_FINDINGS = 10
"""About one domain's hosts and patterns."""

NULL_MX = "."
"""A domain that takes no mail (RFC 7505 §3)."""


def judge_mx(domain: str, hosts: Sequence[str], policy: PolicyText | None, *, implicit: bool = False) -> list[Finding]:
    """Hold the MX hosts of a domain against the patterns of its policy.

    Args:
        domain: Lower-case A-label.
        hosts: Its MX hosts, lower-case, without the final dot; none where it has no MX record.
        policy: Its policy; None where there is none that senders can use.
        implicit: Whether mail goes to the address of the domain itself, which is the MX host then (RFC 5321 §5.1).
    """
    if not hosts and not implicit:
        why = "mail to it is refused at once, and a null MX record says so (RFC 7505)"
        what = "there is neither an MX record nor an address: the domain takes no mail"
        return [Finding("mx", "mx-missing", "warn", domain, what, why, "publish an MX record, or a null MX", f"{domain}. MX 0 .")]
    if not hosts:
        return _judge_implicit(domain, policy)
    if NULL_MX in hosts and len(hosts) > 1:
        why = "a null MX must be the only one; with others beside it senders may refuse the domain's mail (RFC 7505 §3)"
        others = ", ".join(host for host in hosts if host != NULL_MX)
        return [Finding("mx", "mx-null-beside-others", "error", domain, f"a null MX beside {others}", why, "remove one or the other")]
    if list(hosts) == [NULL_MX]:
        return [Finding("mx", "mx-null", "ok", domain, "the domain takes no mail (RFC 7505)")]
    return _judge_covered(domain, hosts, policy)


def _judge_implicit(domain: str, policy: PolicyText | None) -> list[Finding]:
    why = "senders fall back to the address of the domain itself (RFC 5321 §5.1); a policy has to name it"
    fix = "publish an MX record, whose host the policy names first"
    found = [Finding("mx", "mx-missing", "warn", domain, f"there is no MX record; mail goes to {domain} itself", why, fix)]
    return found + [finding for finding in _judge_covered(domain, [domain], policy) if finding.severity != "ok"]


def _judge_covered(domain: str, hosts: Sequence[str], policy: PolicyText | None) -> list[Finding]:
    if policy is None or policy.mode == "none":
        return []
    findings = [_uncovered(host, policy) for host in hosts if not is_address(host) and not covers_host(policy.mx, host)]
    written = {line.partition(":")[2].strip().lower() for line in policy.lines}
    unused = [
        pattern
        for pattern in policy.mx
        if pattern in written and is_pattern(pattern) and not any(mx_matches(pattern, host) for host in hosts)
    ]
    findings += [
        Finding(
            "mx",
            "mx-pattern-unused",
            "warn",
            pattern,
            f"the policy names {pattern}, and no MX host is covered by it",
            "harmless while a move is prepared; left over, it allows mail to an unmonitored host (RFC 8461 §8.3)",
            "remove the line once no MX record needs it any more",
        )
        for pattern in unused
    ]
    if not findings:
        findings.append(
            Finding(
                "mx",
                "mx-covered",
                "ok",
                domain,
                "the policy covers " + ("the MX host" if len(hosts) == 1 else f"all {len(hosts)} MX hosts"),
            )
        )
    return findings[:MOST_FINDINGS]


def _uncovered(host: str, policy: PolicyText) -> Finding:
    wildcard = next((each for each in policy.mx if each.startswith("*.") and host.endswith(each[1:])), None)
    hint = f"; {wildcard} stands for exactly one label and does not cover it" if wildcard else ""
    lost = "senders deliver no mail to it" if policy.mode == "enforce" else "under enforce senders would deliver no mail to it"
    what = f"the policy does not cover the MX host {host}{hint}"
    return Finding(
        "mx", "mx-not-in-policy", "error", host, what, f"{lost} (RFC 8461 §4.1)", "add it to the policy, then change the id", f"mx: {host}"
    )


def is_address(host: str) -> bool:
    """Whether an MX record names an address, which no policy can cover and no sender has to try (RFC 5321 §5.1)."""
    return host.rpartition(".")[2].isdecimal()
