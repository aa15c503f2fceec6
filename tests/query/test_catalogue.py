"""Every question has a title, documents its parameters, is ordered, and answers an empty lake."""

from __future__ import annotations

import re
from datetime import date

import duckdb
import pyarrow as pa
import pytest

from pipeline.errors import UsageError
from pipeline.query.catalogue import load_questions, read_question

QUESTIONS = load_questions()
SAYS_ZERO = {"ground", "success_rate", "extent", "table_rows"}
"""Totals: they have rows where there is nothing."""

EXAMPLES = {
    "VARCHAR": "x",
    "VARCHAR[]": [],
    "DATE": date(2026, 5, 1),
    "DATE[]": [],
    "INTEGER": 1,
    "INTEGER[]": [],
    "BIGINT": 1,
    "BOOLEAN": False,
}


def ask(lake, question, **period):
    own = {p.name: EXAMPLES[p.type] for p in question.parameters if p.required and p.name not in ("since", "until", "as_of")}
    return lake.ask(question.name, **own, **period)


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS)
def test_a_question_documents_exactly_the_parameters_it_has(question):
    statements = duckdb.connect().extract_statements(question.sql)
    assert len(statements) == 1
    assert statements[0].named_parameters == set(question.parameter_names)
    assert question.title
    assert not question.title.endswith(".")
    assert all(parameter.meaning for parameter in question.parameters)


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS)
def test_a_question_is_lower_case_and_ordered(question):
    code = re.sub(r"'[^']*'|--[^\n]*", "", question.sql)
    assert code == code.lower()
    assert re.search(r"\norder by [^\n]+(\nlimit \$\w+|\nlimit 1\d?)?;\s*$", question.sql), "the last clause is `order by`"


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS)
def test_a_question_answers_an_empty_lake_with_no_rows_of_known_types(question, empty_lake):
    answer = ask(empty_lake, question)
    assert all(not pa.types.is_null(kind) for kind in answer.schema.types)
    if question.name in SAYS_ZERO:
        assert all(value in (0, None) or isinstance(value, str) for row in answer.to_pylist() for value in row.values())
    else:
        assert answer.num_rows == 0


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS)
def test_a_question_answers_the_same_types_on_a_lake_with_rows(question, lake, empty_lake):
    assert ask(lake, question, since="2026-04-30").schema == ask(empty_lake, question).schema


def test_a_parameter_that_is_missing_unknown_or_of_the_wrong_type_is_named(lake):
    with pytest.raises(UsageError, match="needs the parameter report_key"):
        lake.ask("report_one")
    with pytest.raises(UsageError, match="has no parameter dommain; it takes since, until"):
        lake.ask("success_rate", dommain="example.org")
    with pytest.raises(UsageError, match="parameter at_most is a BIGINT, which 'many' is not"):
        lake.ask("worst_domains", at_most="many")
    with pytest.raises(UsageError, match="since is a day like 2026-05-31, which 'yesterday' is not"):
        lake.ask("success_rate", since="yesterday")
    with pytest.raises(UsageError, match="the period ends before it begins"):
        lake.ask("success_rate", since="2026-05-02", until="2026-05-01")
    with pytest.raises(UsageError, match="there is no question nope"):
        lake.ask("nope")


@pytest.mark.parametrize("at_most", [-1, 10**30])
def test_a_value_that_duckdb_refuses_is_a_mistake_of_the_asker(lake, at_most):
    with pytest.raises(UsageError, match="question worst_domains cannot be answered"):
        lake.ask("worst_domains", at_most=at_most)


@pytest.mark.parametrize("period", [{"since": "0999-01-01"}, {"until": "0001-01-01"}, {"since": "9999-12-31"}, {"as_of": "0001-01-01"}])
def test_any_day_of_the_calendar_can_be_asked_for(lake, period):
    assert lake.ask("sessions_by_day", **period).num_rows == (0 if period != {"since": "0999-01-01"} else 7)


def test_text_is_read_by_the_type_of_the_parameter():
    question = read_question(
        "q",
        "-- Title\n-- Words.\n-- a (BOOLEAN = false): x\n-- b (VARCHAR[]): y\n-- c (DATE): z\n-- d (BIGINT = 7): w\nselect $a, $b, $c, $d",
    )
    assert question.title == "Title"
    assert question.description == "Words."
    assert question.bind({"a": "yes", "b": "x, y", "c": "2026-05-01"}) == {"a": True, "b": ["x", "y"], "c": date(2026, 5, 1), "d": 7}
    assert question.bind({"a": None, "b": None, "c": None}) == {"a": False, "b": None, "c": None, "d": 7}


@pytest.mark.parametrize("sql", ["select 1", "-- Title\n-- a (MONEY): x\nselect $a", "-- Title\n-- a (BIGINT = x): y\nselect $a"])
def test_a_file_without_title_or_with_an_impossible_parameter_is_refused(sql):
    with pytest.raises((ValueError, UsageError)):
        read_question("q", sql)


def test_the_catalogue_shows_itself_in_a_notebook(lake):
    assert ">sessions_by_day</td>" in lake.questions._repr_html_()


READS_SETTINGS = {"insight_failures", "left_out_rows"}
"""They read bounds and names by `getvariable`, which a stranger's SQL may not."""


def test_what_the_page_shows_as_sql_an_analyst_can_run(lake):
    """With dates given as dates, and for everything else nothing: as `questions show` and the page hand it out."""
    period = {"since": date(2026, 5, 1), "until": date(2026, 5, 9), "as_of": date(2026, 5, 10)}
    for question in QUESTIONS.values():
        if question.name in READS_SETTINGS:
            continue
        own = {p.name: EXAMPLES[p.type] for p in question.parameters if p.required and p.name not in period}
        values = question.bind(own | {name: day for name, day in period.items() if name in question.parameter_names})
        assert lake.sql(question.sql, values).to_pylist() == lake.ask(question.name, **own, **period).to_pylist(), question.name
