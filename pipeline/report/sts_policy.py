"""MTA-STS policies as reporters quote them (RFC 8461 §3.2), and matching of MX hosts against them (§4.1)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple

from pipeline.report.names import domain_name

MODES = frozenset({"enforce", "testing", "none"})
LONGEST_AGE_SECONDS = 31_557_600
"""The greatest max_age: about a year (RFC 8461 §3.2)."""

_REMEMBERED_CHARS = 2_048
_AGE = re.compile(r"\d{1,10}", re.ASCII)


class StsPolicy(NamedTuple):
    """The fields of a policy; what cannot be read is None."""

    version: str | None
    mode: str | None
    max_age_seconds: int | None
    mx: tuple[str, ...]
    """Patterns, lower-case A-labels."""


NO_POLICY = StsPolicy(None, None, None, ())


def _parsed(lines: tuple[str, ...]) -> StsPolicy:
    first: dict[str, str] = {}
    patterns: list[str] = []
    for line in lines:
        key, colon, value = line.partition(":")
        key, value = key.strip(), value.strip()
        if not colon:
            continue
        if key == "mx":
            name = domain_name(value).text
            if name is not None:
                patterns.append(name)
        else:
            first.setdefault(key, value)
    mode, age = first.get("mode"), first.get("max_age", "")
    seconds = int(age) if _AGE.fullmatch(age) else None
    return StsPolicy(
        first.get("version"),
        mode if mode in MODES else None,
        seconds if seconds is not None and seconds <= LONGEST_AGE_SECONDS else None,
        tuple(patterns),
    )


def read_policy(lines: tuple[str, ...]) -> tuple[StsPolicy, str]:
    """Return the fields of a policy, and its hash; both are remembered where the policy is of a usual length."""
    return _remembered(lines) if _is_short(lines) else (_parsed(lines), _hashed(lines))


def parse_policy(lines: Sequence[str]) -> StsPolicy:
    """Read the lines of a policy: `key: value`, the first of a key counts except for mx, unknown keys are ignored (RFC 8461 §3.2)."""
    return read_policy(tuple(lines))[0]


def mx_matches(pattern: str, host: str) -> bool:
    """Whether an MX host matches a pattern; `*.` stands for exactly one label (RFC 8461 §4.1)."""
    wanted, name = pattern.lower().rstrip("."), host.lower().rstrip(".")
    if wanted.startswith("*."):
        label, dot, rest = name.partition(".")
        return bool(label and dot) and rest == wanted[2:]
    return wanted == name


def covers_host(patterns: Sequence[str], host: str) -> bool:
    """Whether one of the patterns matches an MX host."""
    return any(mx_matches(pattern, host) for pattern in patterns)


def policy_lines(mode: str | None, max_age_seconds: int, mx: Sequence[str]) -> tuple[str, ...]:
    """Return the lines of a policy, in the order in which most owners write them.

    Args:
        mode: enforce, testing or none.
        max_age_seconds: How long senders may hold it.
        mx: The patterns; none under mode none.
    """
    return ("version: STSv1", f"mode: {mode}", *(f"mx: {pattern}" for pattern in mx), f"max_age: {max_age_seconds}")


def _hashed(lines: tuple[str, ...]) -> str:
    return sha256("\n".join(sorted(line.strip() for line in lines)).encode("utf-8", "surrogatepass")).hexdigest()


def policy_hash(lines: Sequence[str]) -> str:
    """Return the sha256 of the lines, trimmed and sorted: the same for the same policy, whatever the order and the blanks."""
    return read_policy(tuple(lines))[1]


def _is_short(lines: tuple[str, ...]) -> bool:
    """Whether a policy is worth remembering: most reports of a domain carry the same few lines; long ones are a stranger's game."""
    return sum(map(len, lines)) <= _REMEMBERED_CHARS


@lru_cache(maxsize=4096)
def _remembered(lines: tuple[str, ...]) -> tuple[StsPolicy, str]:
    return _parsed(lines), _hashed(lines)
