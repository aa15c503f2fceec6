"""The plain report files of a chunk as columns, and which of the chunk they were."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.report.plain.drafts import draft_of
from pipeline.report.plain.facts import facts_of
from pipeline.report.plain.reports import read_reports
from pipeline.report.plain.tables import plain_columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.columns import ChunkColumns
    from pipeline.report.domains import Owned
    from pipeline.report.limits import Limits
    from pipeline.report.rows import RunStamp
    from pipeline.source import Fetched


def read_plain(chunk: Sequence[Fetched], limits: Limits, own: Owned, run: RunStamp) -> tuple[list[int], ChunkColumns] | None:
    """Return the places of the plain report files in the chunk, and their rows; None where it has none.

    Never raises on what a sender sent.
    """
    facts = facts_of(limits)
    drafts = [
        draft_of(fetched.content, facts) if fetched.bare and fetched.content is not None and fetched.ref.uid is None else None
        for fetched in chunk
    ]
    if not any(drafts):
        return None
    plain = read_reports(drafts, own)
    places = list(plain.reports.places)
    return (places, plain_columns([chunk[place] for place in places], plain, run)) if places else None
