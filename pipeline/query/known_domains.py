"""The domain somebody names, held against those there are: a mistyped one would else be a domain without faults."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from pipeline.errors import UsageError
from pipeline.insight.many_domains import MANY

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pyarrow as pa

    from pipeline.insight.ask import Ask

_SUGGESTED = 3
_ALL = 1_000_000


def known_domain(ask: Ask, text: str, own: Sequence[str], *, whose: str = "") -> str:
    """Return a domain as the lake has it: a lower-case A-label without a dot at its end.

    Args:
        ask: Answers questions.
        text: What was typed.
        own: `[domains] own`: these are known before there is a report.
        whose: What the group is called that the lake was opened as; its readers know nothing of settings.

    Raises:
        UsageError: It is not a name, or neither in `own` nor in any report while others are; the sentence says which may be meant.
    """
    if text in own or _reported(ask, domain=text).num_rows:
        return text  # whatever it is: a report has it, and no report may stop an answer
    name = as_name(text)
    if name != text and (name in own or _reported(ask, domain=name).num_rows):
        return name
    known: list[str] = list(dict.fromkeys((*own, *map(str, _reported(ask).column("report_domain").to_pylist()))))
    if not known:
        return name  # nobody knows any domain yet: what is said of this one says so
    close = get_close_matches(name, known, n=_SUGGESTED, cutoff=0.6)
    listed = " or ".join(close) if close else ""
    hint = f"did you mean {listed}?" if listed else "there is " + ", ".join(known[:_SUGGESTED]) + (", …" if len(known) > _SUGGESTED else "")
    what = f"{name[:80]!r} is no domain of {whose}" if whose else f"no report is about {name[:80]!r}, and [domains] own does not name it"
    raise UsageError(f"{what}; {hint}")


def known_domains(ask: Ask, texts: Iterable[str], own: Sequence[str]) -> list[str]:
    """Return several domains as the lake has them, each once, in the order given.

    Args:
        ask: Answers questions.
        texts: What was typed.
        own: `[domains] own`: these are known before there is a report.

    Raises:
        UsageError: One of them is not a name, or nobody knows it, see `known_domain`.
    """
    names = list(dict.fromkeys(texts))
    known = dict.fromkeys(own)
    if _unknown(names, known) > MANY:  # most have had reports of late, and these are quickly asked
        lately = ask("domains_and_reporters")
        known.update(
            dict.fromkeys(name for kind, name in zip(*(c.to_pylist() for c in lately.columns[:2]), strict=True) if kind == "domain")
        )
    if _unknown(names, known) > MANY:
        known.update(dict.fromkeys(map(str, _reported(ask, at_most=_ALL).column("report_domain").to_pylist())))
    return list(dict.fromkeys(name if name in known else known_domain(ask, name, own) for name in names))


def _unknown(names: Iterable[str], known: Mapping[str, None]) -> int:
    return sum(name not in known for name in names)


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


def _reported(ask: Ask, **parameters: str | int) -> pa.Table:
    return ask("reported_domains", **parameters)
