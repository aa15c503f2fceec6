"""The first day of somebody with an old mailbox, held against what is true of it.

`python -m tests.dashboard.first_day FOLDER` takes the pictures.
"""

from __future__ import annotations

import pytest

from tests.dashboard.first_day import COLUMNS, play

pytestmark = [pytest.mark.soak, pytest.mark.dovecot]


def test_the_first_day_says_what_it_rests_on_and_the_way_out(tmp_path):
    day = play(tmp_path)
    before = {name.partition(": tlsrpt ")[2]: name for name in day.texts if name.startswith("nothing counts")}
    for command, name in before.items():
        if command.split()[0] in ("status", "doctor", "incidents", "coverage", "export"):
            assert "Nothing is known: none of the 400 reports" in day.texts[name], name
            assert "--vouch-before" in day.texts[name], name
            assert day.codes[name] == (0 if command == "status" else 1), name
    assert day.codes["nothing counts: tlsrpt --lake …/lak incidents"] == 66
    assert "did you mean alpha.example" in day.texts["nothing counts: tlsrpt readiness alpa.example"]
    assert "no report ever about lima.example" in day.texts["nothing counts: tlsrpt readiness lima.example"]
    assert "in the future" in day.texts["vouching: tlsrpt ingest --vouch-before 2999-01-01"]
    assert "reports now count that did not before" in day.texts["vouching: tlsrpt ingest --vouch-before TODAY"]
    told = day.texts["vouched: tlsrpt incidents --new-since-last"]
    assert (told.count("NEW:"), told.count("the same fault on")) == (1, 4)
    assert not day.texts["once more: tlsrpt incidents --new-since-last"].strip()
    assert "ready, as of" in day.texts["vouched: tlsrpt readiness golf.example"]
    assert "nanobind" not in "".join(day.texts.values())
    tables = [line for name, text in day.texts.items() if "coverage" in name for line in text.split("\n") if "───" in line]
    assert max(map(len, tables)) <= COLUMNS
