"""Asking a book of reports: the incidents, the verdict, the coverage."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from pipeline.insight.api import coverage, find_incidents, policies_seen, readiness
from tests.insight.book import DOMAIN, KNOWN, SETTINGS, Book, day

if TYPE_CHECKING:
    from pipeline.insight.api import Coverage, Incident, PoliciesSeen, PublishedPolicy, Readiness


def as_of(last: int) -> date:
    """The day of asking on which the n-th day is the last complete one."""
    return day(last) + timedelta(days=2)


def incidents(book: Book, last: int, *, days: int = 90, known=KNOWN, settings=SETTINGS, evidence: int | None = 0, **more) -> list[Incident]:
    """The incidents as of the n-th day being the last complete one."""
    with book.lake() as lake:
        return find_incidents(lake.ask, as_of=as_of(last), settings=settings, known=known, days=days, evidence=evidence, **more)


def only(book: Book, last: int, **more) -> Incident:
    """The one incident there must be."""
    found = incidents(book, last, **more)
    assert len(found) == 1, [(i.domain, i.cause, i.mx_hosts, i.first_day, i.last_day) for i in found]
    return found[0]


def verdict(book: Book, last: int, *, known=KNOWN, settings=SETTINGS, published: PublishedPolicy | None = None, given=None) -> Readiness:
    """The verdict on the domain; `given` are incidents that were found already."""
    with book.lake() as lake:
        return readiness(lake.ask, DOMAIN, as_of=as_of(last), settings=settings, known=known, published=published, incidents=given)


def policies(book: Book, last: int, *, published: PublishedPolicy | None = None) -> PoliciesSeen:
    """The policies seen."""
    with book.lake() as lake:
        return policies_seen(lake.ask, DOMAIN, as_of=as_of(last), settings=SETTINGS, published=published)


def covered(book: Book, last: int) -> list[Coverage]:
    """The coverage."""
    with book.lake() as lake:
        return coverage(lake.ask, as_of=as_of(last), settings=SETTINGS)
