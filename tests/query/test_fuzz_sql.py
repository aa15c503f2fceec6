"""A short run of the fuzzer over SQL; the long one is `python -m tests.soak.fuzz_sql`."""

from __future__ import annotations

import os
import tempfile

from tests.soak.fuzz_sql import campaign


def test_no_statement_of_a_grammar_touches_a_file_or_ends_in_anything_but_a_sentence(tmp_path, monkeypatch):
    here = os.getcwd()  # noqa: PTH109 -- to go back to
    monkeypatch.setattr(tempfile, "tempdir", None)
    try:
        found = campaign(tmp_path, statements=300, commands=3, seed=int.from_bytes(os.urandom(4)), seconds=40)
    finally:
        os.chdir(here)
    assert found["in process"]["statements"] > 0
