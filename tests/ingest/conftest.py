from __future__ import annotations

import pytest

from tests.forks import forks
from tests.mailbox.conftest import server, server_without_move, server_without_move_and_uidplus, user  # noqa: F401


@pytest.fixture(scope="session")
def tlsrpt():
    with forks() as running:
        yield running
