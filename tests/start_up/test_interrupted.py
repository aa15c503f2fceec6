"""Ctrl-C ends a command with one sentence, whatever it is doing."""

from __future__ import annotations

import pytest

from pipeline import cli
from pipeline.commands import status


def _raising(error: BaseException):
    def run(*_: object) -> int:
        raise error

    return run


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("Query interrupted")], ids=["python", "duckdb"])
def test_it_ends_with_a_sentence(monkeypatch, capsys, error):
    monkeypatch.setattr(status, "run", _raising(error))
    assert cli.main(["status"]) == 130
    assert capsys.readouterr().err == "tlsrpt: interrupted; committed work is kept, and the next run continues from there\n"


def test_another_error_of_that_kind_is_not_hidden(monkeypatch):
    monkeypatch.setattr(status, "run", _raising(RuntimeError("can't start new thread")))
    with pytest.raises(RuntimeError, match="new thread"):
        cli.main(["status"])
