"""What goes out: aligned, exact, and doing nothing to the terminal or the spreadsheet it goes to."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import UsageError
from pipeline.output import escape, json_text, neutralise, write
from pipeline.output.layout import columns_of, laid_out

HOSTILE = "\x1b[2J\x1b]0;owned\x07\u202egnp.exe\u2066\x9b31m\r\n"

ROWS = pa.table(
    {
        "day": [date(2026, 5, 1), None],
        "at": pa.array([datetime(2026, 5, 1, 12, 30, tzinfo=UTC), None], pa.timestamp("us", tz="UTC")),
        "count": pa.array([-5, 12_345_678], pa.int64()),
        "rate": [0.98765432, None],
        "ok": [True, None],
        "text": ["=1+1", "plain"],
        "list": [["@a", "b"], []],
        "bytes": [b"\x00\xff", None],
    }
)


def written(table, format):
    file = io.StringIO()
    write(table, format=format, file=file)
    return file.getvalue()


def test_a_table_is_aligned_numbers_to_the_right():
    assert written(ROWS.select(["day", "count", "rate", "text"]), "table").splitlines() == [
        "day            count   rate  text",
        "──────────  ────────  ─────  ─────",
        "2026-05-01        -5  98.8%  =1+1",
        "            12345678         plain",
    ]
    assert written(ROWS.slice(0, 0), "table") == "no rows\n"


def test_json_is_one_array_of_objects_with_iso_dates():
    assert json.loads(written(ROWS, "json")) == [
        {
            "day": "2026-05-01",
            "at": "2026-05-01T12:30:00Z",
            "count": -5,
            "rate": 0.98765432,
            "ok": True,
            "text": "=1+1",
            "list": ["@a", "b"],
            "bytes": "AP8=",
        },
        {"day": None, "at": None, "count": 12345678, "rate": None, "ok": None, "text": "plain", "list": [], "bytes": None},
    ]
    assert json.loads(written(ROWS.slice(0, 0), "json")) == []
    assert json_text(float("nan")) == "null"
    assert json_text({"sum": Decimal(7), "days": {date(2026, 5, 1): 1}}) == '{"sum":7,"days":{"2026-05-01":1}}'


def test_csv_keeps_numbers_and_neutralises_formulas():
    rows = list(csv.reader(io.StringIO(written(ROWS, "csv"))))
    assert rows[0] == ROWS.column_names
    assert rows[1] == ["2026-05-01", "2026-05-01T12:30:00Z", "-5", "0.98765432", "true", "'=1+1", "'@a; b", "AP8="]
    assert rows[2] == ["", "", "12345678", "", "", "plain", "", ""]


@pytest.mark.parametrize("formula", ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "\n=1", "＝1+1"])
def test_a_cell_that_begins_like_a_formula_gets_an_apostrophe(formula):
    assert neutralise(formula).startswith("'")
    cell = next(csv.reader(io.StringIO(written(pa.table({"x": [formula]}), "csv").split("\n", 1)[1])))[0]
    assert cell.startswith("'")


@pytest.mark.parametrize("format", ["table", "json", "csv"])
def test_no_control_or_bidirectional_character_reaches_a_terminal(format):
    for table in (pa.table({"name": [HOSTILE], "list": [[HOSTILE]]}), pa.table({HOSTILE: ["x"]})):
        text = written(table, format)
        assert all(char.isprintable() or char == "\n" for char in text)
    assert json.loads(written(pa.table({"name": [HOSTILE]}), "json")) == [{"name": HOSTILE}], "JSON says what was there"


def test_what_is_harmless_stays_readable():
    assert escape("mx1.bücher.example – 日本語 😀") == "mx1.bücher.example – 日本語 😀"
    assert escape("a\x1b\u202eb\U000e0001\x9b") == r"a\x1b\u202eb\U000e0001\x9b"


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_json_survives_any_text(text):
    encoded = json_text(text)
    assert json.loads(encoded) == text
    assert all(char.isprintable() or char == "\n" for char in encoded)


_WORDS = st.lists(st.text(st.characters(categories=["L", "N", "P", "M"]), min_size=1, max_size=30), min_size=1, max_size=8)


@given(st.lists(st.lists(_WORDS, min_size=3, max_size=3), min_size=1, max_size=4), st.integers(40, 140))
def test_no_line_is_wider_than_the_terminal_and_no_word_is_cut(rows, width):
    cells = [[" ".join(words) for words in row] for row in rows]
    lines = list(laid_out(["first", "second_of_all", "third"], cells, [False, True, False], width))
    longest = max(columns_of(word) for row in rows for words in row for word in words)
    assert max(columns_of(line.rstrip("\n")) for line in lines) <= max(width, longest + len("  second_of_all: "))
    text = " ".join("".join(lines).split())
    for row in rows:
        for words in row:
            assert all(word in text for cell in words for word in cell.split())


def test_what_does_not_fit_is_folded_between_words_then_drawn_as_cards_and_headings_fold_at_their_underscores():
    names, right = ["id", "failed_sessions", "title"], [False, True, False]
    rows = [["0f3a52c19be7", "843", "the certificate of the MX host has expired"]]

    def drawn(width):
        return "".join(laid_out(names, rows, right, width))

    assert drawn(None) == drawn(200)
    assert drawn(200).splitlines()[2] == "0f3a52c19be7              843  the certificate of the MX host has expired"
    assert drawn(50) == (
        "id             failed_  title\n"
        "              sessions\n"
        "────────────  ────────  ──────────────────────────\n"
        "0f3a52c19be7       843  the certificate of the MX\n"
        "                        host has expired\n"
    )
    assert drawn(39) == "0f3a52c19be7\n  failed_sessions: 843\n  title: the certificate of the MX host\n         has expired\n"


def test_a_column_that_holds_nothing_makes_way_before_anything_is_folded_and_an_empty_value_has_no_line():
    rows = [["mx1.example.org", "", "open"], ["mx2.example.org", "", ""]]
    assert "".join(laid_out(["mx_host", "silent_since_when", "state"], rows, [False] * 3, 30)).splitlines()[0] == "mx_host          state"
    assert "".join(laid_out(["mx_host", "silent_since_when", "state"], rows, [False] * 3, 18)) == (
        "mx1.example.org\n  state: open\n\nmx2.example.org\n"
    )


@pytest.mark.parametrize(
    ("terminal", "no_color", "term"), [(True, "", "xterm"), (True, "1", "xterm"), (True, "", "dumb"), (False, "", "xterm")]
)
def test_colour_is_for_terminals_whose_user_wants_it(monkeypatch, terminal, no_color, term):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", no_color)
    monkeypatch.setenv("TERM", term)
    text = io.StringIO()
    monkeypatch.setattr(text, "isatty", lambda: terminal, raising=False)
    write(pa.table({"fault": ["ours", "sender"], "title": ["not ours", "ready or not"], "state": ["open", "resolved"]}), file=text)
    plain = "fault   title         state\n──────  ────────────  ────────\nours    not ours      open\nsender  ready or not  resolved\n"
    colours = terminal and not no_color and term != "dumb"
    painted = plain.replace("\nours", "\n\x1b[31mours\x1b[0m").replace("resolved", "\x1b[32mresolved\x1b[0m")
    assert text.getvalue() == (painted if colours else plain)


def test_shares_are_percent_for_eyes_and_numbers_for_programs(capsys):
    table = pa.table({"success_rate": [0.98765, None], "days": [0.5, 1.0]})
    write(table)
    assert capsys.readouterr().out.splitlines()[2].split() == ["98.8%", "0.5"]
    write(table, format="csv")
    assert capsys.readouterr().out.splitlines()[1] == "0.98765,0.5"


def test_parquet_keeps_everything_and_does_not_go_to_a_terminal(tmp_path):
    with (tmp_path / "rows.parquet").open("wb") as file:
        write(ROWS, format="parquet", file=file)
    assert pq.read_table(tmp_path / "rows.parquet").equals(ROWS)
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w") as terminal, pytest.raises(UsageError, match="--output"):
        write(ROWS, format="parquet", file=terminal)
    os.close(ours)


@pytest.mark.parametrize("wide", [False, True])
def test_a_table_on_a_terminal_minds_its_width_unless_it_may_be_wide(monkeypatch, wide):
    monkeypatch.setenv("COLUMNS", "40")
    text = io.StringIO()
    monkeypatch.setattr(text, "isatty", lambda: True, raising=False)
    write(pa.table({"name": ["x" * 30], "count": [1], "mode": ["testing"]}), file=text, wide=wide)
    lines = text.getvalue().splitlines()
    assert lines[-1].strip() == (f"{'x' * 30}      1  testing" if wide else "count: 1   mode: testing")


@pytest.mark.parametrize("format", ["table", "json", "csv"])
@pytest.mark.parametrize(
    ("kind", "numbers"),
    [
        (pa.date32(), [0, 2**31 - 1, -(2**31) + 1, None]),
        (pa.timestamp("us"), [0, 2**63 - 1, -(2**63) + 1, None]),
        (pa.timestamp("s", tz="UTC"), [0, 2**53, -(2**53), None]),
    ],
)
def test_a_day_that_python_has_none_for_is_written_all_the_same(format, kind, numbers):
    integers = pa.array(numbers, pa.int32() if kind == pa.date32() else pa.int64())
    column = integers.view(kind)
    out = io.BytesIO()
    write(
        pa.table({"one": column, "many": pa.array([[number] for number in numbers], pa.list_(integers.type)).cast(pa.list_(kind))}),
        format=format,
        file=out,
    )
    assert "1970-01-01" in out.getvalue().decode()
    assert out.getvalue().decode().count("beyond the calendar") == 4


def test_parquet_says_in_a_sentence_what_it_has_no_type_for():
    with pytest.raises(UsageError, match="parquet cannot hold such a column"):
        write(pa.table({"x": pa.array([None], pa.struct([]))}), format="parquet", file=io.BytesIO())
