"""The policies that were applied when sessions failed, and the cause each row of failures speaks of in their light."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pipeline.insight.ask import between, rows_of
from pipeline.insight.detect.causes import CAUSES, Sign, cause_of, is_outside
from pipeline.insight.detect.failure_cube import grouped

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pipeline.insight.applied_policies import PublishedPolicy
    from pipeline.insight.ask import Ask
    from pipeline.insight.detect.failure_cube import Cube, Ints

CAUSE_NAMES: tuple[str, ...] = tuple(CAUSES)
"""Causes by their number in arrays."""

_NUMBER = {name: number for number, name in enumerate(CAUSE_NAMES)}
_STALE = _NUMBER["policy-stale"]
_BY_PATTERN = frozenset({"unknown", "mx-certificate-name", "mx-not-in-policy"})
"""Causes that may be another once the host is held against the policy applied."""


class AppliedText(NamedTuple):
    """One MTA-STS policy text as senders applied it to one domain, over the days looked at."""

    report_domain: str
    policy_hash: str
    first_day: date
    last_day: date
    sts_mode: str | None
    sts_max_age_seconds: int | None
    mx_patterns: tuple[str, ...]


AppliedTexts = dict[str, dict[str, AppliedText]]
"""Policy texts by domain and hash."""


def read_texts(
    ask: Ask, *, since: date, until: date, domains: Iterable[str], published: Mapping[str, PublishedPolicy] | None = None
) -> AppliedTexts:
    """Ask for the policy texts that senders applied to the given domains, and add those published as far as they were looked up.

    Args:
        ask: Answers the named questions.
        since: First day, inclusive, UTC.
        until: Last day, inclusive, UTC; a policy that nobody applied yet is taken as seen up to it.
        domains: The domains, as lower-case A-labels; without any nothing is asked.
        published: The policies now published, by domain; None: none was looked up.
    """
    texts: AppliedTexts = defaultdict(dict)
    names = sorted(domains)
    if not names:
        return texts
    for text in rows_of(between(ask, "insight_policies", since=since, until=until, domains=names), AppliedText):
        texts[text.report_domain][text.policy_hash] = text._replace(mx_patterns=tuple(text.mx_patterns or ()))
    for name, policy in (published or {}).items():
        if name in names and policy.policy_hash not in texts[name]:
            texts[name][policy.policy_hash] = _published_text(name, policy, until)
    return texts


def _published_text(domain: str, policy: PublishedPolicy, until: date) -> AppliedText:
    """A policy that is published and that no sender has applied yet, as if one had since the day it was first found."""
    return AppliedText(domain, policy.policy_hash, policy.since or until, until, policy.mode, policy.max_age_seconds, policy.mx)


def causes_of(cube: Cube, texts: Mapping[str, Mapping[str, AppliedText]]) -> Ints:
    """Return the number of the cause each row speaks of."""
    first, sign_of_row = grouped(cube.policy_type.at, cube.result_type.at, cube.reason.at)
    signs = [_sign(cube, int(row)) for row in first]
    plain = np.array([_NUMBER[cause_of(sign)] for sign in signs], dtype=np.int64)
    cause = plain[sign_of_row] if len(cube) else plain
    asks_policy = np.array(
        [s.policy_type == "sts" and CAUSE_NAMES[c] in _BY_PATTERN for s, c in zip(signs, plain, strict=True)], dtype=bool
    )
    rows = np.flatnonzero(asks_policy[sign_of_row]) if len(cube) else np.zeros(0, dtype=np.int64)
    if len(rows):
        cause[rows] = _in_light_of_policy(cube.where(rows), sign_of_row[rows], signs, texts)
    return cause


def _sign(cube: Cube, row: int) -> Sign:
    return Sign(
        policy_type=cube.policy_type.value(int(cube.policy_type.at[row])) or "",
        result_type=cube.result_type.value(int(cube.result_type.at[row])) or "",
        reason=cube.reason.value(int(cube.reason.at[row])),
    )


def _in_light_of_policy(cube: Cube, sign_of_row: Ints, signs: list[Sign], texts: Mapping[str, Mapping[str, AppliedText]]) -> Ints:
    """Resolve rows whose cause depends on host and policy applied; of an uncovered host also on the day."""
    first, group = grouped(sign_of_row, cube.domain.at, cube.policy_hash.at, cube.host.at)
    found = np.zeros(len(first), dtype=np.int64)
    stale_from: dict[int, int] = {}
    for number, row in enumerate(first.tolist()):
        of_domain = texts.get(cube.domain.values[int(cube.domain.at[row])], {})
        applied = of_domain.get(cube.policy_hash.value(int(cube.policy_hash.at[row])) or "")
        host = cube.host.value(int(cube.host.at[row]))
        sign = signs[int(sign_of_row[row])]._replace(host=host, patterns=applied.mx_patterns if applied else ())
        cause = cause_of(sign)
        found[number] = _NUMBER[cause]
        if cause == "mx-not-in-policy" and applied is not None:
            day = _first_day_of_newer(applied, host, of_domain.values())
            if day is not None:
                stale_from[number] = day.toordinal()
    cause_of_row = found[group]
    for number, day_number in stale_from.items():
        cause_of_row[(group == number) & (cube.day >= day_number)] = _STALE
    return cause_of_row


def _first_day_of_newer(applied: AppliedText, host: str | None, texts: Iterable[AppliedText]) -> date | None:
    """Return the first day on which some sender applied a newer policy that covers the host; None where none did."""
    newer = [text for text in texts if _is_newer(text, applied) and text.mx_patterns]
    if host is None:
        # Microsoft's MX_HOSTS_MISMATCH names no host; a newer policy that adds hosts is what there is to go by.
        covering = [text for text in newer if set(text.mx_patterns) - set(applied.mx_patterns)]
    else:
        covering = [text for text in newer if not is_outside(host, text.mx_patterns)]
    return min((text.first_day for text in covering), default=None)


def _is_newer(text: AppliedText, applied: AppliedText) -> bool:
    """Compare by the day a text was first seen; where the look-back shows no beginning, by the day it was last seen."""
    return (text.first_day, text.last_day) > (applied.first_day, applied.last_day)
