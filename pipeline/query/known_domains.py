"""The domain somebody names, held against those there are: a mistyped one would else be a domain without faults."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from pipeline.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from pipeline.insight.ask import Ask

_SUGGESTED = 3


def known_domain(ask: Ask, text: str, own: Sequence[str]) -> str:
    """Return a domain as the lake has it: a lower-case A-label without a dot at its end.

    Args:
        ask: Answers questions.
        text: What was typed.
        own: `[domains] own`: these are known before there is a report.

    Raises:
        UsageError: It is not a name, or neither in `own` nor in any report while others are; the sentence says which may be meant.
    """
    name = as_name(text)
    if name in own or _reported(ask, domain=name).num_rows:
        return name
    known: list[str] = list(dict.fromkeys((*own, *map(str, _reported(ask).column("report_domain").to_pylist()))))
    if not known:
        return name  # nobody knows any domain yet: what is said of this one says so
    close = get_close_matches(name, known, n=_SUGGESTED, cutoff=0.6)
    listed = " or ".join(close) if close else ""
    hint = f"did you mean {listed}?" if listed else "there is " + ", ".join(known[:_SUGGESTED]) + (", …" if len(known) > _SUGGESTED else "")
    raise UsageError(f"no report is about {name[:80]!r}, and [domains] own does not name it; {hint}")


def as_name(text: str) -> str:
    """Return a domain name as it stands in reports.

    Raises:
        UsageError: It cannot be one.
    """
    name = text.strip().rstrip(".").lower()
    try:
        name = name.encode("idna").decode("ascii") if not name.isascii() else name
    except UnicodeError:
        name = ""
    if not name or set(name) - set("abcdefghijklmnopqrstuvwxyz0123456789.-_"):
        raise UsageError(f"{text[:80]!r} is not a domain name such as example.org")
    return name


def _reported(ask: Ask, **parameters: str) -> pa.Table:
    return ask("reported_domains", **parameters)
