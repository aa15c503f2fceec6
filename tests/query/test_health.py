"""When a mailbox is `ingest-silent`: it fails, nobody looks, or it gives nothing for much longer than usual."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pipeline.lake.mailbox_looks import Looks, with_looks
from pipeline.query.health import MailHabit, judge
from tests.lake.test_looks import look

NOW = datetime(2026, 5, 31, 7, 30, tzinfo=UTC)
DAY = timedelta(days=1)


def why(looks, *, last=0.5, days=60, gap=1, configured=("rua",)):
    """Return why the mailbox is silent; mail was last found `last` days ago."""
    noted = with_looks(Looks(), looks)
    habits = [MailHabit("rua", days, gap, NOW - last * DAY)] if days else []
    (health,) = judge(noted.seen, noted.looks, habits, configured, now=NOW)
    return health.why


HOURLY = [look(n, n) for n in range(300, 0, -1)]


@pytest.mark.parametrize(
    ("looks", "expected"),
    [
        (HOURLY, None),
        ([look(n, n, 0 if n > 26 else 69, "x") for n in range(300, 0, -1)], "failing"),
        ([look(n, n, 0 if n > 20 else 69, "x") for n in range(300, 0, -1)], None),
        ([look(n, n, 77, "x") for n in range(30, 0, -1)], "failing"),
        ([look(n, n, 0 if n > 26 else None) for n in range(300, 0, -1)], "failing"),
        (HOURLY[:200], "not-looked-into"),
        ([look(n, 24 * n) for n in range(20, 1, -1)], None),  # once a day, and the next is due
        ([look(n, 24 * n) for n in range(20, 3, -1)], "not-looked-into"),
        ([], None),
    ],
)
def test_a_mailbox_that_is_not_read(looks, expected):
    assert why(looks) == expected


@pytest.mark.parametrize(
    ("last", "days", "gap", "expected"),
    [
        (2.9, 60, 1, None),
        (3.1, 60, 1, "nothing-found"),
        (8, 20, 3, None),
        (9.1, 20, 3, "nothing-found"),
        (6.9, 3, 1, None),
        (7.1, 3, 1, "nothing-found"),
    ],
)
def test_a_mailbox_that_gives_nothing(last, days, gap, expected):
    assert why(HOURLY, last=last, days=days, gap=gap) == expected


def test_a_mailbox_that_never_had_anything_is_given_a_week():
    assert why(HOURLY[-160:], days=0) is None
    assert why(HOURLY[-170:], days=0) == "nothing-found"


def test_one_that_is_no_longer_configured_is_never_silent():
    assert why([look(1, 500, 77, "x")], configured=()) is None
