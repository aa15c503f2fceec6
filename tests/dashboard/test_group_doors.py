"""Random worlds of two clients: nothing of the second comes through any door of the first, whoever looked before and whatever changed."""

from __future__ import annotations

import pytest

from dashboard import lake_door
from tests.dashboard.group_doors import ANN, MARK, OPERATOR, Keys, Provider, api, commands, others_in, pages
from tests.query import group_worlds


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
        found += [leak for leak in (*api(), *changed(at, theirs), *commands(at, capsys, tmp_path)) if leak]
        assert found == []
    finally:
        lake_door.close()


def changed(at: Provider, theirs: Keys):
    """Ann is moved to the other group with her page open, and back again."""
    app = at.page(ANN).run()
    at.member_of("b")
    assert MARK in at.visit(app, "domains").text.lower()
    assert MARK in at.visit(app, "report", key=theirs.reports[0]).text.lower()
    at.member_of("a")
    yield others_in(at.said(app.run(), "the report that is open"), theirs.reports[0])
    for name in ("overview", "domains", "hosts", "report", "reports", "incidents"):
        yield others_in(at.visit(app, name))
    at.member_of("none")
    yield others_in(at.said(app.run(), "the door"))


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(40, 70))
def test_nothing_of_others_comes_through_any_door_in_many_worlds(tmp_path, monkeypatch, capsys, seed):
    _nothing_of_others(tmp_path, monkeypatch, capsys, seed)
