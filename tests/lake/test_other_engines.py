"""The tables are Delta tables for everybody: an engine that prunes by the statistics in our log finds every row that it should."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, QueryBuilder

from pipeline.lake.open_lake import open_for_writing
from pipeline.lake.upkeep.maintain import maintain
from pipeline.tables.schema import TABLES, arrow_schema
from tests.lake.content import rows
from tests.lake.test_maintain import TODAY


def ask(root, name, where):
    """Rows that DataFusion, the engine inside `deltalake`, finds by a predicate."""
    found = QueryBuilder().register("t", DeltaTable(str(root / name))).execute(f"select * from t where {where}")  # noqa: S608 -- ours
    return pa.table(found.read_all()).num_rows


@pytest.mark.parametrize("maintained", [False, True])
@pytest.mark.parametrize(
    ("name", "where", "test"),
    [
        ("policies", "report_domain = 'example.org'", lambda row: row["report_domain"] == "example.org"),
        ("policies", "report_domain < 'example.org'", lambda row: row["report_domain"] < "example.org"),
        ("failures", "report_day >= date '2026-04-01'", lambda row: str(row["report_day"]) >= "2026-04-01"),
        ("reports", "report_month = '2026-03' and batch = 2", lambda row: (row["report_month"], row["batch"]) == ("2026-03", 2)),
        ("messages", "uid > 9 and uidvalidity = 1", lambda row: row["uid"] > 9),
    ],
)
def test_another_engine_finds_the_same_rows(lake, name, where, test, maintained):
    if maintained:
        with open_for_writing(lake) as opened:
            maintain(opened, today=TODAY)
    assert ask(lake, name, where) == sum(test(row) for row in rows(lake, name))


def test_the_columns_say_what_they_mean_in_the_files_and_in_the_log(lake):
    for name in TABLES:
        schema = json.loads(DeltaTable(str(lake / name)).schema().to_json())
        meanings = {field["name"]: field["metadata"].get("meaning") for field in schema["fields"]}
        assert meanings == {column.name: column.meaning for column in TABLES[name].columns}
    file = next((lake / "policies").rglob("*.parquet"))
    assert pq.read_schema(file).field("report_domain").metadata == arrow_schema("policies").field("report_domain").metadata


def test_a_report_key_is_found_by_a_bloom_filter(lake):
    metadata = pq.read_metadata(next((lake / "policies").rglob("*.parquet"))).row_group(0)
    columns = {metadata.column(place).path_in_schema: metadata.column(place) for place in range(metadata.num_columns)}
    assert columns["report_key"].bloom_filter_offset is not None
    assert columns["report_domain"].bloom_filter_offset is None
    assert columns["report_key"].compression == "ZSTD"
