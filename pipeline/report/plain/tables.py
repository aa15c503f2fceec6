"""Plain reports as Arrow columns; what is the same in many rows is made once and taken for each."""

from __future__ import annotations

from hashlib import sha256
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pyarrow as pa

from pipeline.columns import ChunkColumns, column_schema
from pipeline.report.candidate import display_name
from pipeline.report.result_types import GROUPS
from pipeline.verdict import VOUCHED

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipeline.report.plain.reports import PlainReports
    from pipeline.report.rows import RunStamp
    from pipeline.source import Fetched

Array: TypeAlias = "pa.Array[Any]"
_TIER = VOUCHED.trust_tier
_OF_POLICY = (
    "report_month",
    "report_key",
    "policy_ix",
    "report_day",
    "report_domain",
    "submitter_domain",
    "policy_type",
    "policy_domain",
    "policy_hash",
)
"""Columns of `failures` that are those of the policy."""


class Choice:
    """Which of a few different things stands in each row."""

    def __init__(self, things: Sequence[Any], key: Callable[[Any], object] | None = None) -> None:
        """Number the things; two are the same where their keys are, by default where they are equal."""
        keys = things if key is None else list(map(key, things))
        different = dict(zip(keys, things, strict=True))
        numbers = {name: number for number, name in enumerate(different)}
        self.rows = pa.array(list(map(numbers.__getitem__, keys)), pa.int32())
        self.things = list(different.values())

    def column(self, kind: pa.DataType, value: Callable[[Any], object] | None = None) -> Array:
        """Return a column with what each row's thing has there."""
        values = self.things if value is None else list(map(value, self.things))
        return pa.array(values, kind).take(self.rows)


class _Columns:
    """The columns of one table in the making."""

    def __init__(self, name: str, rows: int) -> None:
        self._schema = column_schema(name)
        self._rows = rows
        self.made: dict[str, Array] = {}

    def put(self, **columns: Sequence[Any]) -> None:
        """Make columns of lists of values."""
        for name, values in columns.items():
            self.made[name] = pa.array(values, self._schema.field(name).type)

    def same(self, **columns: object) -> None:
        """Make columns with one value in all rows."""
        for name, value in columns.items():
            self.made[name] = pa.repeat(pa.scalar(value, self._schema.field(name).type), self._rows)

    def choose(self, choice: Choice, **columns: Callable[[Any], object] | None) -> None:
        """Make columns of what the chosen things have."""
        for name, value in columns.items():
            self.made[name] = choice.column(self._schema.field(name).type, value)

    def put_mostly_same(self, **columns: Sequence[Any]) -> None:
        """Make columns of lists of values that are probably all the same."""
        for name, values in columns.items():
            if values and values.count(values[0]) == len(values):
                self.same(**{name: values[0]})
            else:
                self.put(**{name: values})

    def table(self) -> pa.Table:
        """Return the table; columns not made are null."""
        return pa.Table.from_arrays(
            [self.made[field.name] if field.name in self.made else pa.nulls(self._rows, field.type) for field in self._schema],
            schema=self._schema,
        )


def plain_columns(messages: Sequence[Fetched], plain: PlainReports, run: RunStamp) -> ChunkColumns:
    """Return the rows of plain report files.

    Args:
        messages: The files, one for each report.
        plain: What is in them.
        run: What the rows of this run share.
    """
    contents = [message.content or b"" for message in messages]
    hashes = pa.array([sha256(content).hexdigest() for content in contents], pa.string())
    received = [message.received_at for message in messages]
    heads = _reports(plain, run)
    heads.made["message_sha256"] = hashes
    heads.put_mostly_same(received_at=received)
    policies = _policies(plain, heads)
    ledger = _messages(messages, run)
    ledger.made["message_sha256"] = hashes
    ledger.made["received_at"] = heads.made["received_at"]
    ledger.choose(Choice(plain.reports.containers), container=None)
    ledger.made["report_keys"] = pa.ListArray.from_arrays(_numbers(np.arange(len(messages) + 1)), heads.made["report_key"])
    return ChunkColumns(ledger.table(), heads.table(), policies.table(), _failures(plain, policies), contents)


def _messages(messages: Sequence[Fetched], run: RunStamp) -> _Columns:
    columns = _Columns("messages", len(messages))
    names = [message.ref.item for message in messages]
    columns.put(item=names, size_bytes=[message.size_bytes for message in messages], attachment_name=list(map(display_name, names)))
    columns.choose(
        Choice([message.received_at for message in messages], id), received_month=lambda moment: f"{moment.year:04}-{moment.month:02}"
    )
    columns.put_mostly_same(account=[message.ref.account for message in messages], folder=[message.ref.folder for message in messages])
    columns.same(
        auth_method=VOUCHED.auth_method,
        dkim_result=VOUCHED.dkim_result,
        dkim_signed_headers=VOUCHED.dkim_signed_headers,
        trust_tier=_TIER,
        outcome="stored",
        run_id=run.run_id,
        ingested_at=run.ingested_at,
        parser_version=run.parser_version,
    )
    return columns


def _reports(plain: PlainReports, run: RunStamp) -> _Columns:
    found = plain.reports
    columns = _Columns("reports", len(found.keys))
    columns.put(
        report_key=found.keys,
        identity=found.identities,
        content_sha256=found.digests,
        report_id=found.ids,
        policy_count=found.policy_counts,
        failure_detail_count=found.detail_counts,
    )
    columns.choose(Choice(found.domains), report_domains=None)
    columns.choose(Choice(found.quirks), quirks=None)
    columns.choose(
        Choice(found.periods, id),
        report_month=attrgetter("month"),
        report_day=attrgetter("day"),
        window_start=attrgetter("start"),
        window_end=attrgetter("end"),
        window_start_raw=attrgetter("start_raw"),
        window_end_raw=attrgetter("end_raw"),
    )
    columns.choose(
        Choice(found.senders, id),
        submitter_domain=attrgetter("submitter"),
        submitter_source=attrgetter("source"),
        organization_name=attrgetter("organization"),
        contact_info=attrgetter("contact"),
    )
    columns.same(
        trust_tier=_TIER, unknown_members=(), unknown_member_count=0, ingested_at=run.ingested_at, parser_version=run.parser_version
    )
    return columns


def _policies(plain: PlainReports, heads: _Columns) -> _Columns:
    found = plain.policies
    count = len(found.indexes)
    columns = _Columns("policies", count)
    parents = _numbers(np.repeat(np.arange(len(plain.reports.keys)), plain.reports.policy_counts))
    for name in ("report_month", "report_key", "report_day", "submitter_domain"):
        columns.made[name] = heads.made[name].take(parents)
    applied = Choice(found.policies, id)
    columns.choose(
        applied,
        policy_type=attrgetter("result.policy_type"),
        policy_type_raw=attrgetter("result.policy_type_raw"),
        policy_domain=attrgetter("result.policy_domain"),
        policy_domain_derived=lambda policy: policy.result.policy_domain is None,
        policy_strings=attrgetter("result.policy_strings"),
        policy_hash=attrgetter("hashed"),
        sts_version=attrgetter("sts.version"),
        sts_mode=attrgetter("sts.mode"),
        sts_max_age_seconds=attrgetter("sts.max_age_seconds"),
        sts_mx=attrgetter("sts.mx"),
        mx_host=attrgetter("result.mx_host"),
        tlsa_records=lambda policy: policy.result.policy_strings if policy.result.policy_type == "tlsa" else (),
    )
    columns.put(
        policy_ix=found.indexes,
        success_count=found.successes,
        failure_count=found.failures,
        failure_detail_sum=found.mentions,
        count_mismatch=[mentions != failures for mentions, failures in zip(found.mentions, found.failures, strict=True)],
    )
    repeats, authenticated, failed, unprotected, equal = zip(*found.told, strict=True) if found.told else ((),) * 5
    columns.put_mostly_same(
        repeats_sessions=repeats,
        once_authenticated=authenticated,
        once_failed=failed,
        once_unprotected=unprotected,
        totals_equal=equal,
    )
    columns.choose(Choice(found.domains), report_domain=None)
    columns.put_mostly_same(report_domain_source=found.sources)
    columns.same(trust_tier=_TIER)
    columns.made["policy_domain"] = columns.made["policy_domain"].fill_null(columns.made["report_domain"])
    return columns


def _failures(plain: PlainReports, policies: _Columns) -> pa.Table:
    counts = np.array(plain.policies.detail_counts, dtype=np.int64)
    rows = len(plain.details)
    columns = _Columns("failures", rows)
    if not rows:
        return columns.table()
    parents = _numbers(np.repeat(np.arange(len(counts)), counts))
    for name in _OF_POLICY:
        columns.made[name] = policies.made[name].take(parents)
    columns.made["failure_ix"] = _numbers(np.arange(rows) - np.repeat(np.cumsum(counts) - counts, counts))
    kinds, sending, _, receiving, _, hosts, helos, sessions, more, reasons = zip(*plain.details, strict=True)
    columns.choose(Choice(kinds), result_type=None, result_group=GROUPS.__getitem__)
    columns.put(
        sending_mta_ip=sending,
        receiving_ip=receiving,
        receiving_mx_hostname=hosts,
        failed_session_count=sessions,
    )
    columns.put_mostly_same(receiving_mx_helo=helos, additional_information=more, failure_reason_code=reasons)
    columns.same(trust_tier=_TIER)
    return columns.table()


def _numbers(values: np.ndarray[Any, np.dtype[np.int64]]) -> pa.Int32Array:
    return pa.array(values.astype(np.int32), pa.int32())
