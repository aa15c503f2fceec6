"""Conclusions are drawn of the same lakes again and again."""

from __future__ import annotations

import pytest

from tests.kept import engines_kept


@pytest.fixture(scope="module", autouse=True)
def kept():
    with engines_kept():
        yield
