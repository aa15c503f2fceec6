"""Random worlds of two clients: nothing of the second comes through any door of the first, whoever looked before and whatever changed."""

from __future__ import annotations

import pytest

from dashboard import lake_door
from tests.dashboard.group_doors import ANN, MARK, OPERATOR, Provider, api, commands, others_in, pages
from tests.query import group_worlds
from tests.some import some

PAGES = ("overview", "domains", "hosts", "report", "reports", "incidents")


def _nothing_of_others(tmp_path, monkeypatch, capsys, seed: int) -> None:
    world = group_worlds.build(tmp_path, seed)
    at = Provider(world, tmp_path, monkeypatch)
    try:
        theirs = at.keys_of(OPERATOR)
        assert theirs.reports
        if seed % 3:  # what the operator looked at is kept
            for name in ("overview", "domains", "hosts", "reports", "reporters", "incidents"):
                assert MARK in at.visit(at.page(OPERATOR).run(), name).text.lower()
        found = [leak for leak in pages(at, theirs, whole=True) if leak]
        found += [leak for leak in (*api(), *changed(at, theirs.reports[0], PAGES), *commands(at, capsys, tmp_path)) if leak]
        assert found == []
    finally:
        lake_door.close()


def changed(at: Provider, report: str, names: tuple[str, ...]):
    """Ann is moved to the other group with her page open, and back again."""
    app = at.page(ANN).run()
    at.member_of("b")
    assert MARK in at.visit(app, "domains").text.lower()
    assert MARK in at.visit(app, "report", key=report).text.lower()
    at.member_of("a")
    yield others_in(at.said(app.run(), "the report that is open"), report)
    for name in names:
        yield others_in(at.visit(app, name))
    at.member_of("none")
    yield others_in(at.said(app.run(), "the door"))


def test_who_is_moved_to_another_group_with_a_page_open_sees_nothing_of_the_one_before(tmp_path, monkeypatch):
    at = Provider(group_worlds.build(tmp_path, 2), tmp_path, monkeypatch)
    try:
        assert [leak for leak in some(changed(at, at.a_report_of(OPERATOR), ("domains", "report"))) if leak] == []
    finally:
        lake_door.close()


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(40, 70))
def test_nothing_of_others_comes_through_any_door_in_many_worlds(tmp_path, monkeypatch, capsys, seed):
    _nothing_of_others(tmp_path, monkeypatch, capsys, seed)
