"""Findings as a list to be read on a terminal: the domain, what is wrong and where, why, what to do, and what to publish."""

from __future__ import annotations

import shutil
import textwrap
from typing import TYPE_CHECKING

from pipeline.insight.phrases import count_of
from pipeline.output import escape

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline.published.changed import FindingChange
    from pipeline.published.check import Checked
    from pipeline.published.finding import Finding

_NARROWEST, _WIDEST = 40, 120
_SUMMED = {"error": "error", "warn": "warning"}


def listing(checked: Sequence[Checked], *, everything: bool) -> str:
    """Return what was found, the worst first, and a line that sums it up."""
    from pipeline.published.finding import ORDER
    from pipeline.published.idn import shown

    lines: list[str] = []
    for each in checked:
        told = [finding for finding in each.findings if everything or finding.severity != "ok"]
        if told:
            lines += [escape(shown(each.domain)), *_told(sorted(told, key=lambda finding: ORDER.index(finding.severity))), ""]
    counts = {severity: sum(finding.severity == severity for each in checked for finding in each.findings) for severity in ORDER[:-1]}
    found = ", ".join(
        count_of(number, _SUMMED[severity]) if severity in _SUMMED else f"{number:,} {severity}"
        for severity, number in counts.items()
        if number
    )
    lines.append(f"{count_of(len(checked), 'domain')} checked: {found or 'nothing is wrong'}")
    return "".join(f"{line}\n" for line in lines)


def listing_of_changes(changed: Sequence[FindingChange]) -> str:
    """Return what changed since the last check."""
    from pipeline.published.idn import shown

    lines: list[str] = []
    for each in changed:
        lines += [f"{each.kind.upper()}: {escape(shown(each.domain))}", *_told([each.finding]), ""]
    return "".join(f"{line}\n" for line in lines)


def _told(findings: Sequence[Finding]) -> Iterator[str]:
    width = max(_NARROWEST, min(_WIDEST, shutil.get_terminal_size((80, 24)).columns))
    for finding in findings:
        yield from _wrapped(f"  {finding.severity:<8} ", f"{finding.where}: {finding.what}", width)
        for label, text in (("why", finding.why), ("fix", finding.fix)):
            if text:
                yield from _wrapped(f"           {label}: ", text, width)
        if finding.publish:
            yield f"           publish: {escape(finding.publish)}"


def _wrapped(label: str, text: str, width: int) -> list[str]:
    """Wrap a text with its label before the first line; names and records are never broken."""
    return textwrap.wrap(
        escape(text), width, initial_indent=label, subsequent_indent=" " * 11, break_long_words=False, break_on_hyphens=False
    )
