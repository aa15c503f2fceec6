"""One fault, once: which incidents are one fault, and what an id names."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pipeline.errors import UsageError
from pipeline.insight.api import find_incident
from pipeline.insight.faults import by_fault, named_by, others_of
from pipeline.lake.storage.locate import locate
from pipeline.lake.writer import LakeWriter
from pipeline.query import open_lake
from pipeline.tables.row_types import CheckRow
from tests.insight.asking import as_of, incidents
from tests.insight.book import GOOGLE, KNOWN, MAILRU, MICROSOFT, SETTINGS, Book, Fail, day, sts

EXPIRED = "certificate-expired"


def at(hosts_of: dict[str, tuple[str, ...]], *, first: int = 20, last: int = 29) -> Book:
    """Failures of one cause on several domains, each at its hosts."""
    book = Book()
    for reporter in (GOOGLE, MICROSOFT, MAILRU):
        for domain, hosts in hosts_of.items():
            fails = [Fail(EXPIRED, 20, host) for host in hosts]
            for number in range(30):
                book.add(reporter, number, sts(60, *fails) if first <= number <= last else sts(100), domain=domain)
    return book


@pytest.fixture(scope="module")
def shared():
    """Two domains share a host though not all of theirs; a third has one of its own."""
    return incidents(
        at({"a.example": ("mx1.example.net", "mx2.example.net"), "b.example": ("mx2.example.net",), "c.example": ("mx.c.example",)}), 29
    )


def test_domains_that_share_a_host_are_one_fault_and_others_are_not(shared):
    groups = by_fault(shared)
    assert sorted(sorted(one.domain for one in group) for group in groups) == [["a.example", "b.example"], ["c.example"]]
    assert len({one.fault_id for one in shared}) == 2
    first = next(one for one in shared if one.domain == "a.example")
    assert [one.domain for one in others_of(first, shared)] == ["b.example"]


def test_an_id_names_an_incident_or_a_fault_by_any_beginning_that_only_one_has(shared):
    whole = next(one for one in shared if one.domain == "a.example")
    assert named_by(shared, whole.id[:6]) == [whole]
    assert {one.domain for one in named_by(shared, whole.fault_id[:6].upper())} == {"a.example", "b.example"}
    assert named_by(shared, "f" * 12) == named_by(shared, "") == []
    several = [whole, *(one for one in shared if one is not whole)]
    with pytest.raises(UsageError, match="beginning of several"):
        named_by([*several, *(one.__class__(**{**_fields(one), "id": whole.id[:4] + "0" * 8}) for one in several[1:2])], whole.id[:4])


def test_the_id_of_a_fault_as_seen_from_one_of_its_domains_is_found_among_all(shared):
    book = at({"b.example": ("mx2.example.net",)})
    (alone,) = incidents(book, 29)
    assert {one.domain for one in named_by(shared, alone.fault_id)} == {"a.example", "b.example"}


def test_two_hosts_with_one_certificate_are_one_fault_once_a_check_has_seen_it_and_two_that_end_together_are_not(tmp_path):
    book = at({"a.example": ("mx.a.example",), "b.example": ("mx.b.example",), "c.example": ("mx.c.example",)})
    book.write(tmp_path / "lake")
    before = _found(tmp_path)
    assert len(by_fault(before)) == 3
    seen, ends = datetime.combine(day(29), datetime.min.time(), UTC), datetime(2026, 3, 20, 11, 30, tzinfo=UTC)
    rows = []
    for domain, shown in (("a.example", "ab" * 32), ("b.example", "ab" * 32), ("c.example", "cd" * 32)):
        finding = (0, "smtp", "certificate-expired", "error", f"mx.{domain}", "it ended", "", "renew it", "")
        rows.append(CheckRow("2026-03", seen, domain, *finding, "", "", (), (), (), ends, shown))
    with LakeWriter(locate(tmp_path / "lake"), run_id="check") as writer:
        writer.store_checks(rows)
    after = _found(tmp_path)
    group, other = sorted(by_fault(after), key=len, reverse=True)
    assert [sorted(one.domain for one in each) for each in (group, other)] == [["a.example", "b.example"], ["c.example"]]
    with open_lake(tmp_path / "lake") as lake:
        found = find_incident(lake.ask, group[0].fault_id, as_of=as_of(29), settings=SETTINGS, known=KNOWN)
        assert found is not None
        assert found.fault_id == group[0].fault_id
        assert lake.incident(group[0].fault_id[:5], as_of=as_of(29)).fault_id == group[0].fault_id


def test_the_same_fault_months_apart_is_shown_twice_and_has_one_id():
    book = at({"a.example": ("mx1.example.net",), "b.example": ("mx1.example.net",)}, first=2, last=6)
    book.reports += at({"a.example": ("mx1.example.net",)}, first=24).reports
    found = incidents(book, 29)
    assert len({one.fault_id for one in found}) == 1
    assert [len(group) for group in by_fault(found)] in ([1, 2], [2, 1])


def _found(tmp_path):
    with open_lake(tmp_path / "lake") as lake:
        return list(lake.incidents(as_of=as_of(29)))


def _fields(one):
    return {name: getattr(one, name) for name in one.__dataclass_fields__}
