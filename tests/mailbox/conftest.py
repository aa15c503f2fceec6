from __future__ import annotations

import pytest

from tests.dovecot import NO_IDLE, NO_MOVE, NO_MOVE_NO_UIDPLUS, dovecot


@pytest.fixture(scope="session")
def server():
    with dovecot() as running:
        yield running


@pytest.fixture(scope="session")
def server_without_move():
    with dovecot(capability=NO_MOVE) as running:
        yield running


@pytest.fixture(scope="session")
def server_without_move_and_uidplus():
    with dovecot(capability=NO_MOVE_NO_UIDPLUS) as running:
        yield running


@pytest.fixture(scope="session")
def server_without_idle():
    with dovecot(capability=NO_IDLE) as running:
        yield running


@pytest.fixture
def user(server):
    return server.add_user()
