"""What the last live checks say of an incident of ours: still there, fixed, or not visible from here. Pure.

Reports tell of yesterday; a check tells of now. An incident stays open until reports say otherwise; what a check knows stands beside it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from pipeline.insight.live_opinion import Opinion

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipeline.insight.ask import Ask
    from pipeline.insight.incident import Incident

_HOST = (
    "policy-host-unreachable",
    "policy-host-missing",
    "policy-status",
    "policy-redirect",
    "policy-host-address-dead",
    "policy-host-tls",
)
_CODES: dict[str, tuple[str, ...]] = {
    "mx-certificate-expired": ("certificate-expired",),
    "mx-certificate-name": ("certificate-name",),
    "mx-certificate-untrusted": ("certificate-untrusted",),
    "mx-not-in-policy": ("mx-not-in-policy",),
    "starttls-missing": ("starttls-missing", "tls-too-old"),
    "starttls-stripped": ("starttls-missing", "tls-too-old"),
    "policy-unreachable": (*_HOST, "policy-host-certificate"),
    "policy-host-certificate": ("policy-host-certificate",),
    "policy-invalid": ("policy-",),
    "policy-stale": ("id-unchanged", "policy-stale-seen"),
    "tlsa-mismatch": ("tlsa-mismatch", "tlsa-record-invalid"),
    "dnssec-broken": ("dnssec-broken",),
    "dane-missing": ("tlsa-unusable", "tlsa-insecure"),
    "policy-lost": ("sts-", "policy-"),
}
"""The codes of findings that are the same fault as seen by a check; one that ends in a hyphen is a beginning."""
_LOOKS: dict[str, tuple[str, ...]] = {
    "mx": ("smtp", "mx"),
    "starttls": ("smtp", "mx"),
    "policy": ("sts-record", "sts-policy"),
    "tlsa": ("tlsa", "smtp", "mx"),
    "dnssec": ("tlsa", "mx"),
    "dane": ("tlsa", "mx"),
}
"""The looks that would show a cause, by its first word."""
_AT_HOSTS = frozenset({"smtp", "tlsa"})


def with_opinions(ask: Ask, incidents: Sequence[Incident], *, as_of: date) -> list[Incident]:
    """Return the incidents, those of ours that are not over with what the last checks say of them.

    Args:
        ask: Answers the named questions.
        incidents: In any order, which is kept.
        as_of: The day of asking (UTC); later checks are left out.
    """
    if not any(_is_asked(incident) for incident in incidents):
        return list(incidents)
    rows: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in ask("checks_faults", checked_until=as_of).to_pylist():
        rows[row["domain"]].append(row)
    return [_with_opinion(each, rows.get(each.domain, ())) if _is_asked(each) else each for each in incidents]


def _with_opinion(incident: Incident, rows: Sequence[dict[str, Any]]) -> Incident:
    shown = {row["certificate_sha256"] for row in rows if row["code"] and row["certificate_sha256"] and _is_same(incident, row)}
    return replace(incident, last_check=opinion_on(incident, rows), certificates=tuple(sorted(shown)))


def _is_asked(incident: Incident) -> bool:
    return incident.fault == "ours" and incident.state != "resolved" and incident.cause in _CODES


def opinion_on(incident: Incident, rows: Iterable[dict[str, Any]]) -> Opinion:
    """Hold one incident against the faults that checks of its domain found, as the question `checks_faults` answers."""
    kept = list(rows)
    last: datetime | None = max((row["last_checked_at"] for row in kept), default=None)
    if last is None or last.date() < incident.first_day:
        return Opinion("not-checked", last.date() if last else None, "no check since it began; run `tlsrpt check`")
    same = [row for row in kept if row["code"] and row["severity"] != "unknown" and _is_same(incident, row)]
    now = [row for row in same if row["found_at"] == last]
    day = last.date()
    if now:
        return Opinion("still-there", day, f"still there: the check of {day} found that {now[0]['what']}")
    looks = _LOOKS[incident.cause.partition("-")[0]]
    blind = [
        row
        for row in kept
        if row["found_at"] == last and row["severity"] == "unknown" and row["check_name"] in looks and _is_at(incident, row)
    ]
    if blind:
        return Opinion("not-visible", day, f"not visible from here: {blind[0]['what']} (check of {day})")
    gone = max(
        (row for row in same if row["gone_at"] and row["found_at"].date() >= incident.first_day),
        key=lambda row: row["found_at"],
        default=None,
    )
    if gone is not None:
        since = gone["gone_at"].date()
        return Opinion("fixed", since, f"fixed since {since}, as the checks see it; reports will follow")
    return Opinion("not-visible", day, f"not visible from here: the check of {day} found no sign of it")


def _is_same(incident: Incident, row: dict[str, Any]) -> bool:
    codes = _CODES[incident.cause]
    named = any(row["code"] == code or (code.endswith("-") and row["code"].startswith(code)) for code in codes)
    return named and _is_at(incident, row)


def _is_at(incident: Incident, row: dict[str, Any]) -> bool:
    """Whether a finding is about one of the hosts of the incident, where both name hosts."""
    if not incident.mx_hosts or row["check_name"] not in _AT_HOSTS:
        return True
    place = row["place"].partition(" ")[0]
    name = place.partition("._tcp.")[2] or place
    return name in incident.mx_hosts
