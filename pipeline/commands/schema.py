"""`tlsrpt schema`: the tables and views, column by column, as they are described in the code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline import output
from pipeline.errors import UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from pipeline.cli import Context
    from pipeline.query.describe import View


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", metavar="VIEW", help="one table or view; all where it is not given")
    output.add_arguments(parser, markdown=True)


def run(args: argparse.Namespace, context: Context) -> int:  # noqa: ARG001 -- the schema depends on no settings and no lake
    import pyarrow as pa

    from pipeline.query.describe import ColumnOfView
    from pipeline.query.engine import all_views

    views = all_views()
    if args.name is not None and args.name not in views:
        raise UsageError(f"there is no view {args.name}; there are {', '.join(views)}")
    chosen = [views[args.name]] if args.name is not None else list(views.values())
    if args.format == "markdown":
        output.deliver_text("".join(line for view in chosen for line in markdown(view)), args)
        return 0
    rows = [(view.name, *column) for view in chosen for column in view.columns]
    names = ("view", *ColumnOfView._fields)
    output.deliver(pa.table(dict(zip(names, zip(*rows, strict=True), strict=True))), args)
    return 0


def markdown(view: View) -> Iterator[str]:
    """Yield the lines of a section about one view."""
    yield f"### `{view.name}`\n\n{_words(view.grain)}\n\n| column | type | meaning | unit | source |\n|---|---|---|---|---|\n"
    for column in view.columns:
        cells = (f"`{column.name}`", column.type, _words(column.meaning), column.unit, column.source)
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"
    yield "\n"


def _words(text: str) -> str:
    """Text for Markdown: what looks like a tag is none."""
    return text.replace("<", "&lt;")
