"""Ledger rows replaced in place: the old row goes and the new one comes in the one commit of `messages`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa

from pipeline.lake.ledger import key_of, keys_of, to_rows
from pipeline.lake.parts import to_arrow
from pipeline.lake.rewrite import Present, present
from pipeline.lake.scan import among, read, since

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from deltalake import DeltaTable

    from pipeline.lake.location import Location
    from pipeline.lake.stage import StageWriter
    from pipeline.row_types import MessageRow


class Found(NamedTuple):
    """A ledger row that is there, and the file it lies in."""

    row: MessageRow
    file: Present


def find_rows(location: Location, messages: DeltaTable, wanted: Iterable[MessageRow], floor: int) -> dict[tuple[object, ...], Found]:
    """Return the ledger rows with the keys of these, by key."""
    keys = {key_of(row) for row in wanted}
    months = {row.received_month for row in wanted}
    hashes = {row.message_sha256 for row in wanted}
    found: dict[tuple[object, ...], Found] = {}
    for file in present(messages, "messages"):
        if file.month not in months:
            continue
        rows = read(location, "messages", [file.path], where=since(floor) & among("message_sha256", hashes))
        for row in to_rows(rows):
            if key_of(row) in keys:
                found[key_of(row)] = Found(row, file)
    return found


def stage_replacement(location: Location, stage: StageWriter, found: Sequence[Found], rows: Sequence[MessageRow]) -> None:
    """Stage `messages` so that the found rows go and `rows` come: their files are written again without them."""
    gone = {key_of(each.row) for each in found}
    kept = [to_arrow("messages", rows, stage.batch)]
    for file in {each.file for each in found}:
        there = read(location, "messages", [file.path])
        mask = pa.array([key not in gone for key in keys_of(there)], pa.bool_())
        kept.append(there.filter(mask))
        stage.remove("messages", [file.gone])
    stage.add("messages", pa.concat_tables(kept))
