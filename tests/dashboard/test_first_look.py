"""The first visitor's browser gets a moment to draw before conclusions are worked out, and nobody else's does."""

from __future__ import annotations

import time

from dashboard import first_look
from dashboard.first_look import FirstLook


def test_nobody_waits_while_nobody_looks():
    look = FirstLook()
    began = time.monotonic()
    look.wait()
    assert look.seconds_left() <= 0
    assert time.monotonic() - began < 0.5


def test_who_opens_the_page_as_soon_as_it_is_started_is_waited_for():
    look = FirstLook()
    look.may_come()
    a_moment = look.seconds_left()
    assert a_moment > 0
    look.begins()
    assert look.seconds_left() > a_moment


def test_where_nobody_comes_nobody_is_waited_for_longer(monkeypatch):
    look = FirstLook()
    look.may_come()
    look.is_shown()
    later = time.monotonic() + 1.1
    monkeypatch.setattr(first_look.time, "monotonic", lambda: later)
    assert look.seconds_left() <= 0


def test_a_first_visit_is_waited_for_as_long_as_its_browser_may_draw():
    look = FirstLook()
    look.begins()
    until_it_asks = look.seconds_left()
    look.is_shown()
    assert until_it_asks > look.seconds_left() > 0
    look.wait()
    assert look.seconds_left() <= 0


def test_a_click_long_after_the_first_look_is_not_waited_for(monkeypatch):
    look = FirstLook()
    look.begins()
    later = time.monotonic() + 3600
    monkeypatch.setattr(first_look.time, "monotonic", lambda: later)
    look.is_shown()
    assert look.seconds_left() <= 0


def test_later_visits_are_not_waited_for():
    look = FirstLook()
    look.begins()
    look.is_shown()
    look.wait()
    look.begins()
    look.is_shown()
    assert look.seconds_left() <= 0
