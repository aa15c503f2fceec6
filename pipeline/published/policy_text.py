"""The policy file, line by line (RFC 8461 §3.2): what a strict reader makes of it, and what to change. Pure."""

from __future__ import annotations

import codecs
import re
from typing import NamedTuple

from pipeline.published.finding import Finding, Severity
from pipeline.published.idn import a_label
from pipeline.published.policy_causes import whole_text_cause
from pipeline.report.sts_policy import LONGEST_AGE_SECONDS, MODES, parse_policy

_DAY = 86_400
MOST_FINDINGS = 10
"""Of one document; what has more is another kind of document."""
LARGEST_BYTES = 64 * 1024
"""Senders may refuse to read more (RFC 8461 §3.3)."""

_LINE = re.compile(r"(?P<key>[A-Za-z0-9][A-Za-z0-9_.-]{0,31}):[ \t]*(?P<value>.*?)[ \t]*", re.DOTALL)
_AGE = re.compile(r"[0-9]{1,10}")
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_PATTERN = re.compile(rf"(?:\*\.)?{_LABEL}(?:\.{_LABEL})+", re.IGNORECASE)
_ONCE = ("version", "mode", "max_age")
_COMPRESSED = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}


class PolicyText(NamedTuple):
    """A policy as a sender reads it: the first of a key counts, except for mx."""

    lines: tuple[str, ...]
    mode: str | None
    max_age_seconds: int | None
    mx: tuple[str, ...]


def read_policy_file(where: str, body: bytes) -> tuple[PolicyText | None, list[Finding]]:
    """Read the body of a policy file; None where senders cannot use it.

    Args:
        where: Its address, for the findings.
        body: As served.
    """
    if len(body) > LARGEST_BYTES:
        what = f"the file has {len(body):,} bytes"
        return None, [_bad("policy-too-large", where, what, "senders need not read more than 64 KB (RFC 8461 §3.3)", "shorten it")]
    for magic, encoding in _COMPRESSED.items():
        if body.startswith(magic):
            return None, [encoded(where, encoding)]
    if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        what = "the file is UTF-16, as some editors of Windows write it"
        return None, [_bad("policy-not-text", where, what, "senders read ASCII lines (RFC 8461 §3.2)", "save it as plain UTF-8 or ASCII")]
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as err:
        why = "the file is UTF-8 text (RFC 8461 §3.2)"
        return None, [_bad("policy-not-text", where, f"byte {err.start + 1} is not UTF-8", why, "save it as plain text")]
    if cause := whole_text_cause(text):
        return None, [_bad(cause.code, where, cause.what, cause.why, cause.fix)]
    lines = [line for line in re.split(r"\r\n|\n", text) if line.strip()]
    findings: list[Finding] = []
    seen: dict[str, int] = {}
    patterns = 0
    for number, line in enumerate(re.split(r"\r\n|\n", text), start=1):
        if not line.strip():
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            why = "every line is `key: value`; senders may refuse the whole policy (RFC 8461 §3.2)"
            what = f"{line[:100]!r} is not `key: value`"
            findings.append(_bad("policy-line-invalid", f"{where} line {number}", what, why, "correct or remove it"))
            continue
        patterns += match["key"] == "mx"
        findings += _judge_line(f"{where} line {number}", match["key"], match["value"], seen.get(match["key"]))
        seen.setdefault(match["key"], number)
    policy = parse_policy(lines)
    findings += _missing(where, seen, patterns, policy.mode)
    findings += _judge_age(where, policy.mode, policy.max_age_seconds)
    usable = (
        policy.mode is not None
        and policy.max_age_seconds is not None
        and policy.version == "STSv1"
        and (policy.mx or policy.mode == "none")
    )
    read = PolicyText(tuple(lines), policy.mode, policy.max_age_seconds, policy.mx) if usable else None
    return read, _at_most(findings, where)


def encoded(where: str, encoding: str) -> Finding:
    """Say that a body is compressed, or otherwise encoded, which nobody asked for."""
    what = f"the body is encoded with {encoding[:20]}, which the client did not ask for"
    why = "senders read the bytes as they come, and find no policy in them (RFC 8461 §3.2, RFC 9110 §12.5.3)"
    return _bad("policy-encoded", where, what, why, "disable compression for this file")


def _at_most(findings: list[Finding], where: str) -> list[Finding]:
    """Return the first findings of a document, and that there are more."""
    if len(findings) <= MOST_FINDINGS:
        return findings
    kept = findings[: MOST_FINDINGS - 1]
    what = f"and {len(findings) - len(kept):,} more findings in this file"
    why = "a file with so many is probably no policy at all"
    return [*kept, _bad("policy-more-findings", where, what, why, "correct those first, and check again")]


def _judge_line(where: str, key: str, value: str, before: int | None) -> list[Finding]:
    if before is not None and key in _ONCE:
        why = "the first one counts, and some senders refuse the policy (RFC 8461 §3.2)"
        return [_bad("policy-key-twice", where, f"{key} was given in line {before} already", why, "keep one")]
    valid, wanted = {
        "version": (value == "STSv1", "version: STSv1"),
        "mode": (value in MODES, "mode: enforce, testing or none"),
        "max_age": (bool(_AGE.fullmatch(value)) and int(value) <= LONGEST_AGE_SECONDS, f"max_age: 0 to {LONGEST_AGE_SECONDS}, in seconds"),
        "mx": (is_pattern(value), _wanted_mx(value)),
    }.get(key, (True, ""))
    if valid:
        return _unknown_key(where, key, value)
    why = "senders cannot read the policy, and apply none or the one they hold (RFC 8461 §3.2)"
    return [_bad(f"policy-{key.replace('_', '-')}-invalid", where, f"{key} is {value[:100]!r}", why, "correct it", wanted)]


def is_pattern(value: str) -> bool:
    """Whether a value of mx can match a host: a name, or `*.` and a name, which no number and no address is (RFC 8461 §3.2)."""
    return bool(_PATTERN.fullmatch(value)) and len(value) <= 253 and not value.rpartition(".")[2].isdecimal()


def _wanted_mx(value: str) -> str:
    if value.strip("[]").replace(".", "").isdecimal() or ":" in value:
        return "mx: the name of the MX host; an address matches no host"
    if not value.isascii() and (ascii_name := a_label(value.removeprefix("*."))):
        return f"mx: {'*.' if value.startswith('*.') else ''}{ascii_name}"
    parts = [part for part in re.split(r"[\s,;]+", value) if part and not part.isdecimal()]
    names = [re.sub(r"^[a-z]+://", "", part, flags=re.IGNORECASE).rstrip("./") for part in parts]
    if names and all(map(is_pattern, names)):
        return "; ".join(f"mx: {name}" for name in names[:5]) + (", each in a line of its own" if len(names) > 1 else "")
    return "mx: a host name, or *. and a domain; non-ASCII names as A-labels"


def _unknown_key(where: str, key: str, value: str) -> list[Finding]:
    """A key nobody knows is legal and ignored; one that looks like a slip is told."""
    close = next(
        (known for known in (*_ONCE, "mx") if key != known and key.lower().strip("_-").replace("-", "_") in {known, f"n{known}"}), None
    )
    if close is None:
        return []
    why = "keys are case-sensitive and unknown ones are ignored (RFC 8461 §3.2)"
    return [
        _bad("policy-key-misspelt", where, f"{key} is not a known key; did you mean {close}?", why, "correct it", f"{close}: {value[:255]}")
    ]


def _missing(where: str, seen: dict[str, int], patterns: int, mode: str | None) -> list[Finding]:
    wanted = [key for key in _ONCE if key not in seen]
    found = [
        _bad(f"policy-{key.replace('_', '-')}-missing", where, f"there is no {key} line", "it is required (RFC 8461 §3.2)", "add it")
        for key in wanted
    ]
    if not patterns and mode != "none":
        why = "a policy without mx covers no host: under enforce no mail is delivered (RFC 8461 §3.2)"
        found.append(_bad("policy-mx-missing", where, "there is no mx line", why, "add one for each MX host"))
    return found


def _judge_age(where: str, mode: str | None, age: int | None) -> list[Finding]:
    if age is None or mode is None:
        return []
    line = "max_age: 604800"
    if mode == "enforce" and age < _DAY:
        why = "senders forget the policy within a day, and an attacker who blocks the fetch gets rid of it (RFC 8461 §10.2)"
        return [_judged("policy-max-age-short", "warn", f"{where}", f"max_age is {age:,} seconds", why, "raise it to a week or more", line)]
    if mode == "enforce" and age < 7 * _DAY:
        why = "weeks or more are expected, so that the policy outlives an outage of its host (RFC 8461 §3.2)"
        return [_judged("policy-max-age-short", "warn", where, f"max_age is {age / _DAY:g} days", why, "raise it to a week or more", line)]
    if mode == "testing" and age > 31 * _DAY:
        why = "senders may keep a faulty policy that long after you fix it; while testing a week is enough (RFC 8461 §3.2)"
        return [
            _judged("policy-max-age-long", "warn", where, f"max_age is {age / _DAY:g} days in testing", why, "lower it while testing", line)
        ]
    return []


def _bad(code: str, where: str, what: str, why: str, fix: str, publish: str = "") -> Finding:  # noqa: PLR0917 -- a row of a table
    return _judged(code, "error", where, what, why, fix, publish)


def _judged(code: str, severity: Severity, where: str, what: str, why: str, fix: str, publish: str) -> Finding:  # noqa: PLR0917
    return Finding("sts-policy", code, severity, where, what, why, fix, publish)
