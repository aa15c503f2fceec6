"""Ledger rows replaced or edited in place: the old row goes and the new one comes in the one commit of `messages`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa

from pipeline.lake.dedup.ledger import key_of, keys_of, to_rows
from pipeline.lake.delta.data_file_list import Present
from pipeline.lake.delta.scan import among, read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pipeline.lake.delta.stage import StageWriter
    from pipeline.lake.open_lake import OpenLake
    from pipeline.tables.row_types import MessageRow


class FoundRow(NamedTuple):
    """A ledger row that is there, and the file it lies in."""

    row: MessageRow
    file: Present


def find_rows(lake: OpenLake, wanted: Iterable[MessageRow]) -> dict[tuple[object, ...], FoundRow]:
    """Return the ledger rows with the keys of these, by key."""
    wanted = list(wanted)
    keys = {key_of(row) for row in wanted}
    months = {row.received_month for row in wanted}
    hashes = {row.message_sha256 for row in wanted}
    found: dict[tuple[object, ...], FoundRow] = {}
    for file in lake.present("messages"):
        if file.month in months:
            rows = to_rows(read(lake.location, "messages", [file.path], where=among("message_sha256", hashes)))
            found.update((key_of(row), FoundRow(row, file)) for row in rows if key_of(row) in keys)
    return found


def stage_replacement(lake: OpenLake, stage: StageWriter, found: Sequence[FoundRow], rows: pa.Table) -> None:
    """Stage `messages` so that the found rows go and `rows` come: their files are written again without them.

    Args:
        lake: Open for writing: locked, recovered, its tables at hand.
        stage: Takes the files to add and to remove.
        found: The rows that go.
        rows: The rows that come, with all columns of `messages`, `batch` included.
    """
    gone = {key_of(each.row) for each in found}
    kept = [rows]
    for file in {each.file for each in found}:
        there = read(lake.location, "messages", [file.path])
        kept.append(there.filter(pa.array([key not in gone for key in keys_of(there)], pa.bool_())))
        stage.remove("messages", [file.gone])
    stage.add("messages", pa.concat_tables(kept))


def stage_edit(lake: OpenLake, stage: StageWriter, edit: Callable[[pa.Table], pa.Table | None]) -> None:
    """Stage `messages` as `edit` makes it, file by file; None leaves a file as it is.

    Args:
        lake: Open for writing: locked, recovered, its tables at hand.
        stage: Takes the files to add and to remove.
        edit: Gets all rows of one file and returns all of them anew.
    """
    for file in lake.present("messages"):
        edited = edit(read(lake.location, "messages", [file.path]))
        if edited is not None:
            stage.remove("messages", [file.gone])
            stage.add("messages", edited)
