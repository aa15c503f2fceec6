"""One browser, and one server per lake, for all tests of this folder."""

from __future__ import annotations

import pytest

from tests.dashboard import lakes
from tests.dashboard.browser import Visit, chromium, serving


@pytest.fixture(scope="session")
def browser():
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="session")
def lake_folders():
    """Where the lakes are whose page was started, by name."""
    return {}


@pytest.fixture(scope="session")
def addresses(tmp_path_factory, lake_folders):
    """Start the page on a lake when it is first asked for."""
    running = {}

    def address(name: str) -> str:
        if name not in running:
            folder = tmp_path_factory.mktemp(name)
            lake_folders[name] = getattr(lakes, name)(folder / "lake")
            context = serving(lake_folders[name], cwd=folder)
            running[name] = (context, context.__enter__())
        return running[name][1]

    yield address
    for context, _ in running.values():
        context.__exit__(None, None, None)


@pytest.fixture
def visit(browser, addresses):
    """Open a visit to the page on a lake."""
    visits = []

    def start(name: str, **options) -> Visit:
        visits.append(Visit(browser, addresses(name), **options))
        return visits[-1]

    yield start
    for one in visits:
        one.close()
