"""A month of every domain as a folder to hand over: a page for each, and one that leads to them."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import TYPE_CHECKING

from pipeline.errors import InputError
from pipeline.export.page import document, page
from pipeline.export.page_facts import gather_facts
from pipeline.export.sections import table
from pipeline.insight.phrases import count_of, days_of
from pipeline.output.markup import Html, text
from pipeline.output.whole_file import replace_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from pipeline.export.page_facts import PageFacts
    from pipeline.query import Lake

_UNSAFE = re.compile(r"[^a-z0-9_-]+")
_LONGEST_NAME = 120
_INDEX = "index.html"
_PAGE = re.compile(r'<a href="([a-z0-9_.-]+\.html)">')


def last_month(complete: date) -> tuple[date, date]:
    """Return the first and the last day of the last month that ended by a day, the last one that is complete."""
    last = (complete + timedelta(days=1)).replace(day=1) - timedelta(days=1)
    return last.replace(day=1), last


def write_month(lake: Lake, names: Sequence[str], folder: Path, *, since: date, until: date, as_of: date, pdf: bool) -> None:
    """Write `YYYY-MM/DOMAIN.html` for each domain and `YYYY-MM/index.html`; what is there of the same name is replaced.

    A page that the index of before names, and no longer this one, is removed.

    Args:
        lake: Where from; one opened as a group has its domains alone.
        names: The domains, as lower-case A-labels.
        folder: The folder of all months; it is made.
        since: First day of the month.
        until: Last day of the month.
        as_of: The day of asking.
        pdf: Whether each page is written as PDF, too.

    Raises:
        InputError: It cannot be written.
        LakeError: The lake cannot be read.
    """
    month = folder / f"{since:%Y-%m}"
    before = _listed(month / _INDEX)
    told: list[tuple[PageFacts, str]] = []
    for domain, file in zip(names, file_names(names), strict=True):
        facts = gather_facts(lake, domain, since=since, until=until, as_of=as_of)
        told.append((facts, f"{file}.html"))
        content = page(facts)
        _write(month / f"{file}.html", content.encode("utf-8"))
        if pdf:
            from pipeline.output.pdf import pdf_of

            _write(month / f"{file}.pdf", pdf_of(content))
    whose = lake.audience.title if lake.audience is not None else "All domains"
    for left in before - {file for _, file in told}:
        _remove(month / left)
        _remove((month / left).with_suffix(".pdf"))
    _write(month / _INDEX, document(f"TLS reports, {since:%B %Y}", _index(whose, since, until, told)).encode("utf-8"))


def file_names(names: Iterable[str]) -> Iterator[str]:
    """Yield a name of a file for each domain, all different; whatever a stranger reported about, it stays in the folder."""
    given = {"index"}
    for number, name in enumerate(names):
        plain = ".".join(filter(None, (_UNSAFE.sub("_", label) for label in name.split("."))))[:_LONGEST_NAME] or "_"
        file = plain if plain not in given else f"{plain}.{number}"
        given.add(file)
        yield file


def _index(whose: str, since: date, until: date, told: Sequence[tuple[PageFacts, str]]) -> Iterator[str]:
    yield f"<h1>{text(whose)}</h1>"
    yield f'<p class="soft">Mail delivered over TLS, as its senders report it · {days_of(since, until)}, days in UTC</p>'
    standing = {facts.domain: [one for one in facts.incidents if one.state != "resolved"] for facts, _ in told}
    faulty = sum(map(bool, standing.values()))
    yield f"<p>{count_of(len(told), 'domain')}, {faulty or 'none'} of them with an incident that is not over.</p>"
    rows = [
        (
            Html(f'<a href="{text(file)}">{text(facts.domain)}</a>'),
            facts.totals["sessions"],
            "–" if facts.totals["success_rate"] is None else f"{facts.totals['success_rate']:.2%}",
            facts.totals["failed"],
            len(standing[facts.domain]),
            facts.readiness.verdict,
        )
        for facts, file in sorted(told, key=lambda one: (not standing[one[0].domain], one[0].domain))
    ]
    yield table(("domain", "sessions", "authenticated", "failed", "incidents", "MTA-STS enforce"), rows)


def _listed(index: Path) -> set[str]:
    """Return the pages to which an index of ours leads: those of a domain that has gone to somebody else since are not left to be read."""
    try:
        return set() if index.is_symlink() else set(_PAGE.findall(index.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError):
        return set()


def _write(file: Path, content: bytes) -> None:
    """Replace a file. The folder may be one that its readers can write to: no link in it leads anywhere else."""
    try:
        file.parent.parent.mkdir(parents=True, exist_ok=True)
        if file.parent.is_symlink():
            raise InputError(f"{file.parent} is a link; nothing is written through it")
        file.parent.mkdir(exist_ok=True)
        replace_file(file, content)
    except OSError as err:
        raise InputError(f"{file} cannot be written: {err.strerror or err}") from err


def _remove(file: Path) -> None:
    try:
        file.unlink(missing_ok=True)
    except OSError as err:
        raise InputError(f"{file} cannot be removed: {err.strerror or err}") from err
