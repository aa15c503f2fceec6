"""What a batch of spooled chunks takes is what settling its messages takes: outcomes, reports, superseded ones and kept bytes."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.ingest.backfill.tasks import Kept, ReadReply, Write, pack_read_reply, pack_task, unpack_read_reply, unpack_task
from pipeline.ingest.backfill.waiting_rows import WaitingRows
from pipeline.lake.dedup.batch_rows import decide, essence_of, repeated_files, tables_of, take
from pipeline.lake.dedup.dedup_index import Knowledge
from pipeline.lake.dedup.ledger import Ledger, key_of
from pipeline.lake.dedup.settle import Known, settle
from pipeline.lake.delta.data_file_list import looked_at
from pipeline.lake.storage.locate import locate
from pipeline.tables.chunk_columns import chunk_columns
from pipeline.tables.schema import TRUST_TIERS
from tests.lake.build import claims, message, report

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
        tables = tables_of(chunk_columns(messages[start:end]))
        told = ReadReply(spool.write(tables), essence_of(tables), 0, 0, {name: table.nbytes for name, table in tables.items()})
        yield unpack_read_reply(*pack_read_reply(told))
        start = end


@settings(max_examples=60)
@given(messages=MESSAGES, cuts=st.sets(st.integers(1, 11), max_size=3))
def test_what_a_batch_takes_of_its_chunks_is_what_settling_its_messages_takes(messages, cuts):
    first = {key_of(rows.message): rows for rows in reversed(messages)}
    kept = [rows for rows in messages if first[key_of(rows.message)] is rows]
    expected = settle(claims(kept), Known({}))
    new = [
        [each for each, is_new in zip(rows.reports, news, strict=True) if is_new] for rows, news in zip(kept, expected.news, strict=True)
    ]
    reports = [each for some in new for each in some]
    with tempfile.TemporaryDirectory() as root:
        spool = WaitingRows(root, f"{root}/spool")
        files, floor = looked_at(locate(Path(root) / "none"))
        replies = list(replies_of(messages, [cut for cut in cuts if cut < len(messages)], spool))
        chunks = [reply.essence for reply in replies]
        decided = decide(chunks, Knowledge(files, floor).about, repeated_files(chunks, Ledger(files["messages"], floor)))
        takes = [Kept(f"{root}/spool", reply.token, taken) for reply, taken in zip(replies, decided.taken, strict=True)]

        def taken(table):
            task = unpack_task(*pack_task(Write(root, "stage", 1, table, takes)))
            return [row for each in task.kept for row in take(table, spool.read(each.token, table), each.taken).to_pylist()]

        assert [(row["message_sha256"], row["outcome"]) for row in taken("messages")] == [
            (rows.message.message_sha256, outcome) for rows, outcome in zip(kept, expected.outcomes, strict=True)
        ]
        assert [row["report_key"] for row in taken("reports")] == [rows.report.report_key for rows in reports]
        assert [row["report_key"] for row in taken("policies")] == [p.report_key for rows in reports for p in rows.policies]
        assert [row["report_key"] for row in taken("failures")] == [f.report_key for rows in reports for f in rows.failures]
        pairs = zip(kept, expected.keeps_bytes, strict=True)
        assert [row["message_sha256"] for row in taken("raw")] == [rows.message.message_sha256 for rows, keeps in pairs if keeps]
    assert sorted(decided.superseded) == sorted(expected.superseded)
    assert decided.reports_new == len(reports)
    assert decided.rows == len(kept)
    assert len(decided.outcomes) == len(messages)
