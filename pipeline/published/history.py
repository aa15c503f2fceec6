"""A check held against the one before: changes that senders will not notice, or notice for nothing (RFC 8461 §3.1, §5.1). Pure."""

from __future__ import annotations

from typing import NamedTuple

from pipeline.published.finding import Finding
from pipeline.report.sts_policy import policy_hash


class Published(NamedTuple):
    """What a domain published when it was looked at; None where it could not be read or is not there.

    MX hosts and TLSA records that could not be looked at are those of the check before.
    """

    sts_id: str | None = None
    policy_lines: tuple[str, ...] | None = None
    tlsrpt_text: str | None = None
    mx_hosts: tuple[str, ...] = ()
    tlsa: tuple[str, ...] = ()
    """`host usage selector type hex`, sorted."""


def judge_change(domain: str, before: Published | None, now: Published) -> list[Finding]:
    """Hold the id and the text of a policy against those of the last check.

    Args:
        domain: Lower-case A-label.
        before: What it published at the last check; None where there was none.
        now: What it publishes now.
    """
    if before is None or before.policy_lines is None or now.policy_lines is None or before.sts_id is None or now.sts_id is None:
        return []
    text_changed = policy_hash(before.policy_lines) != policy_hash(now.policy_lines)
    id_changed = before.sts_id != now.sts_id
    where = f"_mta-sts.{domain}"
    if text_changed and not id_changed:
        why = "senders look for a new policy when the id changes; until then they hold the old one for up to its max_age (RFC 8461 §3.1)"
        fix = "set a new id, now that the new text is served"
        return [Finding("history", "id-unchanged", "error", where, f"the policy text changed, the id is still {now.sts_id}", why, fix)]
    if id_changed and not text_changed:
        why = "senders fetch the same text once more; harmless, but was another text meant to be served? (RFC 8461 §3.1)"
        what = f"the id changed from {before.sts_id} to {now.sts_id}, the text did not"
        return [Finding("history", "text-unchanged", "warn", where, what, why, "check that the new text is served")]
    return []
