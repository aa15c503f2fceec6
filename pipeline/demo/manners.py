"""The documents as eight kinds of software write them: members left out, odd types, ids, ends of day.

Each function takes the same counts and gives the JSON value in the sender's own order of members. The texts of failures are in
`pipeline.demo.wording`, the mail around the document in `pipeline.demo.mail`.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple

from pipeline.demo.keyed_chance import dice
from pipeline.demo.session_counts import Applied, Failed
from pipeline.demo.simulated_reporters import Reporter
from pipeline.demo.wording import names_host, words_for

Document = dict[str, Any]

_FILETIME_EPOCH = 11_644_473_600
"""Seconds from 1601 to 1970: Microsoft's ids are times of its own calendar."""
_TICKS = 10_000_000
"""A second of that calendar."""


_COUNT = "failed-session-count"


class CountedDay(NamedTuple):
    """What a report is made of."""

    seed: int
    reporter: Reporter
    domain: str
    day: date
    sent_at: datetime
    rows: Sequence[Applied]


def google(counted: CountedDay) -> Document:
    """Google: no reason codes, an empty sending-mta-ip where there was no session, failure-details only on failure."""

    def detail(failed: Failed) -> Document:
        words = words_for("google", failed, counted.domain, counted.day)
        entry: Document = {"result-type": words.result_type, "sending-mta-ip": failed.sender or ""}
        if failed.address and failed.kind != "mx":
            entry["receiving-ip"] = failed.address
        if failed.host:
            entry["receiving-mx-hostname"] = failed.host
        return {**entry, "failed-session-count": failed.sessions}

    policies = [_policy(row, counted.domain, mx_host=True, details=detail, empty=False) for row in counted.rows]
    return _head(counted, f"{counted.day}T00:00:00Z_{counted.domain}", _inclusive(counted.day), policies)


def microsoft(counted: CountedDay) -> Document:
    """Microsoft: sts and tlsa for the same sessions, the TLSA records as JSON in a string, no mx-host, recipient domain on tlsa."""

    def detail(failed: Failed) -> Document:
        words = words_for("microsoft", failed, counted.domain, counted.day)
        entry: Document = {"result-type": words.result_type}
        if names_host("microsoft", failed, counted.day):
            entry |= {"receiving-mx-hostname": failed.host, "receiving-ip": failed.address}
        entry["failed-session-count"] = failed.sessions
        return {**entry, "failure-reason-code": words.reason} if words.reason else entry

    def policy(row: Applied) -> Document:
        element = _policy(row, counted.domain, mx_host=False, details=detail, empty=False)
        if row.policy_type == "tlsa":
            records = ",".join(f'"{host.tlsa().upper()}"' for host in row.hosts)
            element["policy"] = {"policy-type": "tlsa", "policy-string": [f"[{records}]"], "policy-domain": counted.domain}
        return element

    ticks = int((counted.sent_at.timestamp() + _FILETIME_EPOCH) * _TICKS) + _noise(counted)
    return _head(counted, f"{ticks}+{counted.domain}", _inclusive(counted.day), [policy(row) for row in counted.rows])


def mailru(counted: CountedDay) -> Document:
    """Mail.ru: members in alphabetic order, the day ends at the next midnight, failed fetches mentioned more often than counted."""

    def detail(failed: Failed) -> Document:
        words = words_for("mailru", failed, counted.domain, counted.day)
        entry: Document = {"failed-session-count": failed.sessions}
        if words.reason:
            entry["failure-reason-code"] = words.reason
        if failed.address:
            entry["receiving-ip"] = failed.address
        if failed.host:
            entry["receiving-mx-hostname"] = failed.host
        entry["result-type"] = words.result_type
        return {**entry, "sending-mta-ip": failed.sender} if failed.sender else entry

    policies = [_sorted(_policy(row, counted.domain, mx_host=True, details=detail, empty=False)) for row in counted.rows]
    for element in policies:
        for entry in list(element.get("failure-details", ())):
            if str(entry.get("failure-reason-code", "")).endswith(": 404"):
                element["failure-details"].append({**entry, "failure-reason-code": "bad https response code: 500"})
    identity = uuid.UUID(bytes=_digest(counted, "id")[:16], version=4)
    document: Document = _sorted(_head(counted, f"{identity}@mail.ru", _exclusive(counted.day), policies))
    return document


def fastmail(counted: CountedDay) -> Document:
    """Fastmail's Mail::TLSRPT: mx-host is one string, `failure_details` has an underscore, members in no order at all."""

    def detail(failed: Failed) -> Document:
        words = words_for("fastmail", failed, counted.domain, counted.day)
        entry: Document = {"result-type": words.result_type, "receiving-mx-hostname": failed.host}
        if failed.sender:
            entry["sending-mta-ip"] = failed.sender
        if failed.address:
            entry["receiving-ip"] = failed.address
        entry["failed-session-count"] = failed.sessions
        return _shuffled(counted, entry)

    policies = []
    for row in counted.rows:
        element = _policy(row, counted.domain, mx_host=False, details=detail, empty=True)
        element["policy"] = {"policy-string": [], **element["policy"], "mx-host": row.sts.mx[0] if row.sts else ""}
        element["failure_details"] = element.pop("failure-details")
        policies.append(_shuffled(counted, {**element, "policy": _shuffled(counted, element["policy"])}))
    stamp = f"{counted.day:%Y%m%d}.{_digest(counted, 'id').hex()[:12]}"
    return _shuffled(counted, _head(counted, stamp, _inclusive(counted.day), policies))


def postfix(counted: CountedDay) -> Document:
    """Postfix with tlsrpt-reporter: no policy-domain without a policy, the MX host on tlsa, the whole EHLO answer, OpenSSL's reasons."""

    def detail(failed: Failed) -> Document:
        words = words_for("postfix", failed, counted.domain, counted.day)
        entry: Document = {"failure-reason-code": words.reason} if words.reason else {}
        if failed.host and failed.kind not in ("dnssec", "dane-required"):
            starttls = () if failed.kind == "starttls" else ("STARTTLS",)
            entry["receiving-mx-helo"] = "\r\n".join((failed.host, "PIPELINING", "SIZE 52428800", *starttls, "8BITMIME", "CHUNKING"))
        if failed.host:
            entry |= {"receiving-mx-hostname": failed.host, "receiving-ip": failed.address, "sending-mta-ip": failed.sender}
        return {**entry, "result-type": words.result_type, "failed-session-count": failed.sessions}

    policies = []
    for row in counted.rows:
        policy: Document = {"policy-type": row.policy_type}
        if row.policy_type == "tlsa":
            strings = [host.tlsa() for host in row.hosts if host.dane]
            policy |= {"policy-string": strings, "policy-domain": row.hosts[0].name}
        elif row.policy_type == "sts":
            policy |= {"policy-domain": counted.domain}
            if row.sts:
                policy |= {"policy-string": list(row.sts.lines), "mx-host": list(row.sts.mx)}
        summary = {"total-failure-session-count": row.failure, "total-successful-session-count": row.success}
        policies.append({"summary": summary, "policy": policy, "failure-details": _merged(row, detail)})
    document = _head(counted, f"{counted.day}T00:00:00Z_idx1_{counted.domain}", _inclusive(counted.day), policies)
    return {name: document[name] for name in (*list(document)[:3], "policies", "report-id")}


def stalwart(counted: CountedDay) -> Document:
    """Stalwart: contact-info null, max_age before mx, the recipient domain on tlsa, no text where the policy could not be had."""

    def detail(failed: Failed) -> Document:
        words = words_for("stalwart", failed, counted.domain, counted.day)
        entry: Document = {"result-type": words.result_type}
        if failed.address and failed.kind not in ("mx", "dane-required"):
            entry["receiving-ip"] = failed.address
        if failed.host:
            entry["receiving-mx-hostname"] = failed.host
        entry["failed-session-count"] = failed.sessions
        return {**entry, "failure-reason-code": words.reason} if words.reason else entry

    policies = []
    for row in counted.rows:
        policy: Document = {"policy-type": row.policy_type}
        if row.policy_type == "tlsa" and any(host.dane for host in row.hosts):
            policy["policy-string"] = [_upper_hex(host.tlsa()) for host in row.hosts]
        if row.sts:
            mx = [f"mx: {pattern}" for pattern in row.sts.mx]
            policy["policy-string"] = ["version: STSv1", f"mode: {row.sts.mode}", f"max_age: {row.sts.max_age_seconds}", *mx]
        policy["policy-domain"] = counted.domain
        if row.sts:
            policy["mx-host"] = list(row.sts.mx)
        policies.append({"policy": policy, "summary": _summary(row), "failure-details": _merged(row, detail)})
    begin = int(datetime.combine(counted.day, time(), UTC).timestamp())
    number = int.from_bytes(_digest(counted, "id")[:8], "big")
    return _head(counted, f"{begin}_{number}", _exclusive(counted.day), policies)


def mox(counted: CountedDay) -> Document:
    """Mox: every member is there, empty or null where nothing is known; the MX host on tlsa."""

    def detail(failed: Failed) -> Document:
        words = words_for("mox", failed, counted.domain, counted.day)
        connected = failed.kind not in ("mx", "dnssec", "dane-required")
        return {
            "result-type": words.result_type,
            "sending-mta-ip": (failed.sender or "") if connected else "",
            "receiving-mx-hostname": failed.host or "",
            "receiving-mx-helo": (failed.host or "") if connected else "",
            "receiving-ip": (failed.address or "") if connected else "",
            "failed-session-count": failed.sessions,
            "additional-information": "",
            "failure-reason-code": words.reason,
        }

    policies = []
    for row in counted.rows:
        tlsa = row.policy_type == "tlsa"
        policy = {
            "policy-type": row.policy_type,
            "policy-string": [_upper_hex(h.tlsa()) for h in row.hosts] if tlsa else list(row.sts.lines if row.sts else row.broken_lines),
            "policy-domain": row.hosts[0].name if tlsa else counted.domain,
            "mx-host": list(row.sts.mx) if row.sts else None,
        }
        policies.append({"policy": policy, "summary": _summary(row), "failure-details": _merged(row, detail) or None})
    identity = f"{counted.day:%Y%m%d}.{counted.domain}@{counted.reporter.signing_domain}"
    return _head(counted, identity, _inclusive(counted.day), policies)


def halon(counted: CountedDay) -> Document:
    """Halon's script: policy-string is an empty string without a policy, no sending-mta-ip, one id for all domains of a run."""

    def detail(failed: Failed) -> Document:
        words = words_for("halon", failed, counted.domain, counted.day)
        entry: Document = {"result-type": words.result_type}
        if failed.host:
            entry |= {"receiving-mx-hostname": failed.host, "receiving-ip": failed.address}
        return {**entry, "failed-session-count": failed.sessions}

    policies = []
    for row in counted.rows:
        lines = [host.tlsa() for host in row.hosts if host.dane] or list(row.sts.lines if row.sts else row.broken_lines)
        policy = {"policy-type": row.policy_type, "policy-string": lines or "", "policy-domain": counted.domain}
        policies.append({"policy": policy, "summary": _summary(row), "failure-details": _merged(row, detail)})
    run = uuid.UUID(bytes=hashlib.sha256(f"{counted.seed}|halon|{counted.reporter.key}|{counted.day}".encode()).digest()[:16], version=4)
    return _head(counted, str(run), _inclusive(counted.day), policies)


MANNERS: dict[str, Callable[[CountedDay], Document]] = {
    "google": google,
    "microsoft": microsoft,
    "mailru": mailru,
    "fastmail": fastmail,
    "postfix": postfix,
    "stalwart": stalwart,
    "mox": mox,
    "halon": halon,
}
"""By name, as `Reporter.manner` gives it."""


def _head(counted: CountedDay, report_id: str, window: tuple[str, str], policies: list[Document]) -> Document:
    return {
        "organization-name": counted.reporter.organization,
        "date-range": {"start-datetime": window[0], "end-datetime": window[1]},
        "contact-info": counted.reporter.contact,
        "report-id": report_id,
        "policies": policies,
    }


def _policy(row: Applied, domain: str, *, mx_host: bool, details: Callable[[Failed], Document], empty: bool) -> Document:
    """One element of `policies`, as the RFC has it (RFC 8460 §4.4)."""
    policy: Document = {"policy-type": row.policy_type}
    if row.sts or row.broken_lines:
        policy["policy-string"] = list(row.sts.lines if row.sts else row.broken_lines)
    policy["policy-domain"] = domain
    if mx_host and row.sts:
        policy["mx-host"] = list(row.sts.mx)
    element: Document = {"policy": policy, "summary": _summary(row)}
    if row.failed or empty:
        element["failure-details"] = _merged(row, details)
    return element


def _merged(row: Applied, details: Callable[[Failed], Document]) -> list[Document]:
    """Failure details, those that differ in nothing but the count added up."""
    merged: dict[str, Document] = {}
    for failed in row.failed:
        entry = details(failed)
        same = merged.setdefault(repr(sorted((k, v) for k, v in entry.items() if k != _COUNT)), {**entry, _COUNT: 0})
        same[_COUNT] += entry[_COUNT]
    return list(merged.values())


def _summary(row: Applied) -> Document:
    return {"total-successful-session-count": row.success, "total-failure-session-count": row.failure}


def _inclusive(day: date) -> tuple[str, str]:
    """A day up to its last second (RFC 8460 Appendix B)."""
    return f"{day}T00:00:00Z", f"{day}T23:59:59Z"


def _exclusive(day: date) -> tuple[str, str]:
    """A day up to the next midnight (RFC 8460 §4.1: 00:00 to 24:00)."""
    return f"{day}T00:00:00Z", f"{day + timedelta(days=1)}T00:00:00Z"


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(entry) for entry in value] if isinstance(value, list) else value


def _shuffled(counted: CountedDay, members: Document) -> Document:
    """Perl's hashes have no order."""
    names = list(members)
    dice(counted.seed, "perl", counted.domain, counted.day, len(names)).shuffle(names)
    return {name: members[name] for name in names}


def _upper_hex(record: str) -> str:
    usage, selector, matching, data = record.split(" ")
    return f"{usage} {selector} {matching} {data.upper()}"


def _digest(counted: CountedDay, what: str) -> bytes:
    return hashlib.sha256(f"{counted.seed}|{what}|{counted.reporter.key}|{counted.domain}|{counted.day}".encode()).digest()


def _noise(counted: CountedDay) -> int:
    """Ticks within a second."""
    return int.from_bytes(_digest(counted, "noise")[:6], "big") % _TICKS
