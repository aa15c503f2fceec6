"""What the lake knows already, asked for a batch at a time: reports by identity, kept bytes, what was told to be forgotten.

The questions are put month by month, and against sorted files of hashes (`hash_files`); only a report of a known identity with a new key
makes it read rows. So neither new reports nor duplicates cost any reading of rows, and nothing is loaded that grows with the lake.
"""

from __future__ import annotations

from collections import defaultdict
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import pyarrow.compute as pc

from pipeline.lake.dedup.digest_set import Digests
from pipeline.lake.dedup.hash_files import HashColumn, KeyColumn
from pipeline.lake.dedup.settle import SEEN, Claim, Known, KnownReport
from pipeline.lake.delta.scan import among, count_rows, read, since

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import pyarrow as pa

    from pipeline.lake.delta.data_file_list import Files

RETIRED = ("expired", "erased")
KEPT_BYTES = KeyColumn("raw", "message_sha256")
"""The messages whose bytes are kept."""

Hashes: TypeAlias = "Digests | HashColumn"
"""Some sha256 values: in memory, or in files."""


class _Month(NamedTuple):
    """What is asked of the reports of one month."""

    identities: Hashes
    keys: Hashes


class KnownReports:
    """The reports of the lake, or of a generation in the making, by identity."""

    def __init__(
        self,
        read_month: Callable[[str, Sequence[str], pc.Expression | None], pa.Table],
        held: Callable[[str, str], Hashes] | None = None,
    ) -> None:
        """Take a function that returns columns of the reports of a month, filtered, and one that answers for a column of it.

        Without the second the column is loaded: a generation in the making has no data files yet.
        """
        self._read, self._held = read_month, held or self._loaded
        self._months: dict[str, _Month] = {}

    def of(self, reports: Iterable[KnownReport]) -> tuple[set[str], dict[str, list[KnownReport]]]:
        """Return the keys of those that are known, and all reports that share an identity with one of the others."""
        by_month: dict[str, list[KnownReport]] = defaultdict(list)
        for report in reports:
            by_month[report.report_month].append(report)
        keys: set[str] = set()
        found: dict[str, list[KnownReport]] = defaultdict(list)
        for month, asked in by_month.items():
            known = self._month(month)
            keys.update(known.keys.among([report.report_key for report in asked]))
            others = dict.fromkeys(report.identity for report in asked if report.report_key not in keys)
            hits = known.identities.among(list(others))
            for report in self._rows(month, hits) if hits else ():
                found[report.identity].append(report)
        return keys, found

    def note(self, month: str, identities: Iterable[str], keys: Iterable[str]) -> None:
        """Take note of the identities and keys of reports of a month that have been committed.

        Args:
            month: The month of report, like 2026-05; one that nothing was asked about yet is passed over, for its files are still to be
                read.
            identities: Of the reports, hex.
            keys: Report keys of the same reports, hex.
        """
        known = self._months.get(month)
        if known is not None:
            known.identities.add(identities)
            known.keys.add(keys)

    def _month(self, month: str) -> _Month:
        if month not in self._months:
            self._months[month] = _Month(self._held(month, "identity"), self._held(month, "report_key"))
        return self._months[month]

    def _loaded(self, month: str, column: str) -> Hashes:
        found = Digests()
        found.load([self._read(month, (column,), None).column(0)])
        return found

    def _rows(self, month: str, identities: Sequence[str]) -> list[KnownReport]:
        rows = self._read(month, KnownReport._fields, among("identity", identities))
        return [KnownReport(*values) for values in zip(*(rows.column(name).to_pylist() for name in KnownReport._fields), strict=True)]


class Retired:
    """What has expired or was erased: a mailbox that was kept must not bring it back.

    A message that is fetched once more has the same INTERNALDATE (RFC 9051 §2.3.3), hence the month of its ledger row. A row of several
    reports may have lost some of them only: then it was changed, and its keys are among those not to be taken again.
    """

    def __init__(self, files: Files, floor: int) -> None:
        self._files, self._floor = files, floor
        self._months: dict[str, dict[str, str]] = {}

    def of(self, months: Iterable[str]) -> dict[str, str]:
        """Return report keys and message hashes of what is retired in these months, with their outcome."""
        found: dict[str, str] = {}
        for month in set(months):
            if month not in self._months:
                self._months[month] = self._read(month)
            found.update(self._months[month])
        return found

    def _read(self, month: str) -> dict[str, str]:
        where = since(self._floor) & (among("outcome", RETIRED) | pc.field("changed_at").is_valid())
        # Few rows are, and the columns of hashes are most of the ledger: only files that have some are read.
        paths = [path for path in self._files.of([month]) if count_rows(self._files.location, "messages", [path], where)]
        rows = read(self._files.location, "messages", paths, ("message_sha256", "report_keys", "outcome"), where=where)
        retired: dict[str, str] = {}
        for digest, keys, outcome in zip(*(column.to_pylist() for column in rows.columns), strict=True):
            if outcome in RETIRED:
                retired.update(dict.fromkeys((digest, *keys), outcome))
            elif len(keys) > 1:
                retired.update((key, SEEN) for key in keys if key not in retired)
        retired.pop("", None)
        return retired


def _read_reports(files: Files, floor: int, month: str, columns: Sequence[str], where: pc.Expression | None) -> pa.Table:
    """Return columns of the reports of a month, of the present generation.

    Args:
        files: Those of `reports`.
        floor: The first batch of the present generation.
        month: Like 2026-05.
        columns: The names of the columns.
        where: Further condition on the rows; None: all.
    """
    present = since(floor) if where is None else since(floor) & where
    return read(files.location, "reports", files.of([month]), columns, where=present)


class Knowledge:
    """All of it, for the settling of one batch after another."""

    def __init__(self, files: Mapping[str, Files], floor: int) -> None:
        def held(month: str, column: str) -> Hashes:
            return HashColumn(files["reports"], KeyColumn("reports", column), floor=floor, months=[month])

        self.reports = KnownReports(partial(_read_reports, files["reports"], floor), held)
        self.bytes = HashColumn(files["raw"], KEPT_BYTES)
        self.retired = Retired(files["messages"], floor)

    def about(self, messages: Sequence[Claim]) -> Known:
        """Return what is known that concerns these messages."""
        keys, reports = self.reports.of(report for message in messages for report in message.reports)
        return Known(
            reports=reports,
            keys=keys,
            raw=self.bytes.among([message.message_sha256 for message in messages if message.message_sha256]),
            retired=self.retired.of(message.received_month for message in messages),
        )
