"""What is new, different or over since the last check, for a watch that speaks only then. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from pipeline.insight.ask import rows_of
from pipeline.published.finding import Finding
from pipeline.published.stored_checks import StoredFinding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pipeline.insight.ask import Ask
    from pipeline.published.check import Checked
    from pipeline.published.history import Published


class FindingChange(NamedTuple):
    """One difference from the last check."""

    kind: Literal["new", "different", "over"]
    domain: str
    finding: Finding


_DOCUMENTS = (
    ("sts_id", "the id", "sts-record"),
    ("policy_lines", "the policy", "sts-policy"),
    ("tlsrpt_text", "the TLSRPT record", "tlsrpt-record"),
    ("mx_hosts", "the MX hosts", "mx"),
    ("tlsa", "the TLSA records", "tlsa"),
)


def findings_of(ask: Ask) -> dict[str, list[Finding]]:
    """Return the findings of the last checks by domain."""
    found: dict[str, list[Finding]] = {}
    for row in rows_of(ask("checks_latest"), StoredFinding):
        found.setdefault(row.domain, []).append(
            Finding(row.check_name, row.code, row.severity, row.place, row.what, row.why, row.fix, row.publish)
        )
    return found


def changes(checked: Checked, findings_before: Iterable[Finding], published_before: Published | None) -> list[FindingChange]:
    """Return what differs from the last check of a domain.

    A finding is the same where check, code and place are; the days that a certificate has left, for one, may differ. What could not be
    looked at this time is not over.

    Args:
        checked: The check just made.
        findings_before: Those of the check before, of any severity; none where there was no check.
        published_before: What the domain published at the check before; None where there was no check.
    """
    now = [each for each in checked.findings if each.severity != "ok"]
    then = [each for each in findings_before if each.severity != "ok"]
    known = {_key(each) for each in then}
    unseen = _unseen(checked, published_before)
    found = [FindingChange("new", checked.domain, each) for each in now if _key(each) not in known]
    there = {_key(each) for each in now}
    found += [
        FindingChange("over", checked.domain, each._replace(severity="ok", fix="", publish=""))
        for each in then
        if _key(each) not in there and each.check not in unseen and each.check != "history"
    ]
    found += [FindingChange("different", checked.domain, each) for each in _documents(checked, published_before, unseen)]
    return found


def _unseen(checked: Checked, before: Published | None) -> set[str]:
    """Return the checks that could not be made, and those that rest on them."""
    unseen = {each.check for each in checked.findings if each.severity == "unknown"}
    if "sts-record" in unseen:
        unseen.add("sts-policy")
    if "sts-policy" in unseen or (before is not None and before.policy_lines and not checked.published.policy_lines):
        unseen.add("mx")
    if any(each.check == "mx" and each.severity == "unknown" for each in checked.findings):
        unseen |= {"smtp", "tlsa"}
    return unseen | ({"seen"} if unseen else set())


def _key(finding: Finding) -> tuple[str, str, str]:
    return finding.check, finding.code, finding.where


def _documents(checked: Checked, before: Published | None, unseen: set[str]) -> Iterator[Finding]:
    """Yield what is published otherwise than at the last check, where both could be read."""
    if before is None or any(each.code == "domain-missing" for each in checked.findings):
        return
    for name, title, check in _DOCUMENTS:
        old, new = getattr(before, name), getattr(checked.published, name)
        unread = not new and (check in unseen or any(each.check == check and each.severity == "error" for each in checked.findings))
        if old and old != new and not unread and sorted(old) != sorted(new or ()):
            says = f"{title} changed from {_text(old)} to {_text(new)}"
            yield Finding(check, f"{name.replace('_', '-')}-changed", "ok", checked.domain, says)


def _text(value: str | Iterable[str] | None) -> str:
    if not value:
        return "nothing"
    text = value if isinstance(value, str) else ", ".join(value)
    return text if len(text) <= 200 else f"{text[:199]}…"
