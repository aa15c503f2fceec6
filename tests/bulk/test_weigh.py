"""Weighing by columns gives what settling row by row does: the same outcomes, reports, superseded ones and kept bytes."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.bulk import reading
from pipeline.bulk.looking import looked_at
from pipeline.bulk.spool import Spool
from pipeline.bulk.tasks import ReadReply, Write, pack_read_reply, pack_task, unpack_read_reply, unpack_task
from pipeline.bulk.weigh import Weigher
from pipeline.bulk.writing import _taken
from pipeline.columns import chunk_columns
from pipeline.lake.ledger import key_of
from pipeline.lake.location import Location
from pipeline.lake.settle import Known, settle
from pipeline.schema import TRUST_TIERS
from tests.lake.build import message, report

REPORTS = st.builds(
    lambda name, content, tier: report(name, content=content, tier=tier),
    st.sampled_from(["r1", "r2", "r3", "r4", "r5"]),
    st.sampled_from("ab"),
    st.sampled_from(TRUST_TIERS[:3]),
)
MESSAGES = st.lists(
    st.tuples(st.integers(1, 12), st.lists(REPORTS, max_size=2, unique_by=lambda rows: rows.report.report_key)), min_size=1, max_size=12
).map(lambda each: [message(f"m{number}", *reports, account="file") for number, reports in each])


def replies_of(messages, cuts, spool):
    start = 0
    for end in sorted({*cuts, len(messages)}):
        tables = reading._tables([chunk_columns(messages[start:end])])
        token = spool.write(tables)
        told = ReadReply(token, *reading._essence(tables), 0, 0, False, {name: table.nbytes for name, table in tables.items()})
        yield unpack_read_reply(*pack_read_reply(told))
        start = end


@settings(max_examples=60, deadline=None)
@given(messages=MESSAGES, cuts=st.sets(st.integers(1, 11), max_size=3))
def test_what_a_batch_takes_is_what_settling_its_messages_takes(messages, cuts):
    first = {key_of(rows.message): rows for rows in reversed(messages)}
    kept = [rows for rows in messages if first[key_of(rows.message)] is rows]
    expected = settle(kept, Known({}))
    with tempfile.TemporaryDirectory() as root:
        spool = Spool(root, f"{root}/spool")
        weigher = Weigher(*looked_at(Location(Path(root) / "none")), "2026-03")
        weighed = weigher.weigh(list(replies_of(messages, [cut for cut in cuts if cut < len(messages)], spool)))
        takes = [each._replace(folder=f"{root}/spool") for each in weighed.kept]

        def taken(table):
            task = unpack_task(*pack_task(Write(root, "stage", 1, table, takes)))
            return [row for take in task.kept for row in _taken(task, take).to_pylist()]

        assert [(row["message_sha256"], row["outcome"]) for row in taken("messages")] == [
            (row.message_sha256, row.outcome) for row in expected.messages
        ]
        assert [row["report_key"] for row in taken("reports")] == [rows.report.report_key for rows in expected.reports]
        assert [row["report_key"] for row in taken("policies")] == [p.report_key for rows in expected.reports for p in rows.policies]
        assert [row["report_key"] for row in taken("failures")] == [f.report_key for rows in expected.reports for f in rows.failures]
        pairs = zip(expected.messages, expected.keeps_bytes, strict=True)
        assert [row["message_sha256"] for row in taken("raw")] == [row.message_sha256 for row, keeps in pairs if keeps]
    assert sorted(weighed.superseded) == sorted(expected.superseded)
    assert weighed.reports_new == len(expected.reports)
    assert weighed.rows == len(kept)
    assert len(weighed.outcomes) == len(messages)
