"""One element of `policies`: the applied policy and its summary (RFC 8460 §4.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from pipeline.report.json.fields import count, host, texts
from pipeline.report.json.member_names import POLICY, POLICY_ENTRY, SUMMARY, canonical
from pipeline.report.model import PolicyResult
from pipeline.report.parse.failure_details import read_failures
from pipeline.report.parse_notes import Refusal, clean_text

if TYPE_CHECKING:
    from pipeline.report.parse_notes import Notes

POLICY_TYPES = frozenset({"sts", "tlsa", "no-policy-found"})
"""All there are (RFC 8460 §4.4)."""

_TYPE_CHARS = 64


def read_policy(value: Any, notes: Notes) -> PolicyResult:
    """Read one element of `policies`.

    Raises:
        Refusal: It is not shaped like one, or beyond a limit.
    """
    entry = canonical(value, POLICY_ENTRY, notes)
    policy = canonical(entry.get("policy"), POLICY, notes)
    kind, kind_raw = policy_type(policy.get("policy-type"), notes)
    strings = policy_strings(policy.get("policy-string"), kind, notes)
    patterns = policy.get("mx-host")
    success, failure = _summary(entry.get("summary"), notes)
    if success + failure > notes.limits.policy_sessions:
        raise Refusal("limits_exceeded", f"a policy claims {success + failure:,} sessions, the limit is {notes.limits.policy_sessions:,}")
    details = entry.get("failure-details")
    failures = read_failures(details, notes) if details else _no_failures(details)
    result = PolicyResult(
        kind,
        kind_raw,
        host(policy.get("policy-domain"), "policies[].policy.policy-domain", notes),
        strings,
        mx_hosts(patterns, kind, notes) if patterns is not None else (),
        success,
        failure,
        failures,
    )
    if failure or failures:
        compare_counts(result, notes)
    return result


def policy_type(value: Any, notes: Notes) -> tuple[str, str | None]:
    """Return policy-type trimmed and lower-cased, and as sent where that differs; empty where it is absent.

    Raises:
        Refusal: It is not text.
    """
    if type(value) is str and value in POLICY_TYPES:
        return value, None
    if value is not None and type(value) is not str:
        raise Refusal("schema_invalid", "policies[].policy.policy-type is not text")
    sent = clean_text(value or "")[:_TYPE_CHARS]
    name = sent.strip().lower()
    if name not in POLICY_TYPES:
        # `invalid-policy-type` and `none-policy-found` stand in public samples
        notes.add("policy_type_unknown")
    return name, sent if sent != name else None


def policy_strings(value: Any, kind: str, notes: Notes) -> tuple[str, ...]:
    """Return policy-string, one element per policy line or TLSA record, blanks at the ends kept as sent (RFC 8460 §4.4).

    Args:
        value: As JSON gave it; None where the member is absent.
        kind: The policy type, which says whether lines are expected.
        notes: Takes the quirks, and says how much is allowed.

    Raises:
        Refusal: It is neither array nor text, an element is not text, or there is more than the limits allow.
    """
    lines = texts(value, "policy_string_scalar", "policies[].policy.policy-string", notes)
    if not lines:
        if kind in {"sts", "tlsa"}:
            # Microsoft and Mail.ru, where the policy could not be fetched
            notes.add("policy_string_missing")
        return ()
    limits, chars = notes.limits, sum(map(len, lines))
    if len(lines) > limits.policy_lines or chars > limits.policy_chars:
        raise Refusal("limits_exceeded", f"a policy-string has {len(lines)} elements of {chars:,} characters")
    if "[" in [line[:1] for line in lines]:
        lines = [part for line in lines for part in nested_strings(line, notes)]
    if not notes.clean:
        lines = [_clean_line(line, notes) for line in lines]
    return tuple([line for line in lines if line])


def nested_strings(line: str, notes: Notes) -> list[str]:
    r"""Read an element that is itself a JSON array of texts, as Microsoft sends TLSA records: `"[\"3 1 1 ..\",\"3 1 1 ..\"]"`.

    Raises:
        Refusal: The array has more elements than the limits allow.
    """
    if not line.startswith("["):
        return [line]
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        return [line]
    if not all(type(part) is str for part in found):
        return [line]
    if len(found) > notes.limits.policy_lines:
        raise Refusal("limits_exceeded", f"a policy-string has {len(found)} elements")
    notes.add("policy_string_nested")
    return found if isinstance(found, list) else [line]


def _clean_line(line: str, notes: Notes) -> str:
    if line.isprintable():
        return line
    cleaned = clean_text(line)
    if cleaned != line.rstrip("\r\n"):
        # a line that kept its line end is only that
        notes.add("control_chars")
    return cleaned


def mx_hosts(value: Any, kind: str, notes: Notes) -> tuple[str, ...]:
    """Return mx-host in lower-case A-labels (RFC 8460 §4.4, RFC 8461 §3.2).

    Args:
        value: As JSON gave it; None where the member is absent.
        kind: The policy type; only `sts` has MX patterns.
        notes: Takes the quirks, and says how many are allowed.

    Raises:
        Refusal: It is neither array nor text, an element is not text, or there are more than the limits allow.
    """
    patterns = texts(value, "mx_host_scalar", "policies[].policy.mx-host", notes)
    if len(patterns) > notes.limits.hosts:
        raise Refusal("limits_exceeded", f"mx-host has {len(patterns)} elements, the limit is {notes.limits.hosts}")
    if patterns and kind != "sts":
        notes.add("mx_host_misplaced")
    found = []
    for pattern in patterns:
        name = host(_without_prefix(pattern, notes), "policies[].policy.mx-host", notes)
        if name is not None:
            found.append(name)
    return tuple(found)


def _without_prefix(pattern: str, notes: Notes) -> str:
    """Take the policy's own `mx:` off a pattern, seen in one public sample: `"mx: mx.example.com"`."""
    if pattern[:3].lower() != "mx:":
        return pattern
    notes.add("mx_host_prefix")
    return pattern[3:]


def _summary(value: Any, notes: Notes) -> tuple[int, int]:
    """Return successful and failed sessions; one of the two may be absent (`count_missing`), as in a public sample of 2018."""
    summary = canonical(value, SUMMARY, notes)
    success, failure = summary.get("total-successful-session-count"), summary.get("total-failure-session-count")
    if success is None and failure is None:
        raise Refusal("schema_invalid", "policies[].summary has no session counts")
    if success is None or failure is None:
        notes.add("count_missing")
    return (
        count(success, "total-successful-session-count", notes) if success is not None else 0,
        count(failure, "total-failure-session-count", notes) if failure is not None else 0,
    )


def _no_failures(details: Any) -> tuple[()]:
    """Take absent, null and empty failure-details for none: Google leaves it out, Postfix sends `[]`, others null."""
    if details is not None and type(details) is not list:
        raise Refusal("schema_invalid", "policies[].failure-details is not an array")
    return ()


def compare_counts(policy: PolicyResult, notes: Notes) -> None:
    """Note where details and summary of a policy with failures disagree; both are kept as sent (RFC 8460 §4: types are not exclusive)."""
    if not policy.failures:
        notes.add("failure_without_details")
        return
    if not policy.failure_count:
        notes.add("details_without_failure")
    if sum([detail.failed_session_count for detail in policy.failures]) != policy.failure_count:
        notes.add("count_mismatch")
