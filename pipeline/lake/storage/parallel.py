"""Does one thing for several tables: one after the other in a folder, all at once in a bucket, where each waits for the network."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pipeline.lake.storage.location import Location

_Done = TypeVar("_Done")


def together(location: Location, work: Callable[[str], _Done], names: Iterable[str]) -> dict[str, _Done]:
    """Do something for each table, and return what came of it, in the order of the names.

    Args:
        location: The lake; its kind says whether all are done at once.
        work: Gets the name of a table; in a bucket it runs in a thread for each.
        names: Of the tables, in the order in which a folder does them.

    Raises:
        Exception: What the first of them raised, when all have come to their end.
    """
    if not location.far:
        return {name: work(name) for name in names}
    wanted = list(names)
    with ThreadPoolExecutor(max(len(wanted), 1), thread_name_prefix="tables") as threads:
        begun = [threads.submit(work, name) for name in wanted]
    return {name: each.result() for name, each in zip(wanted, begun, strict=True)}
