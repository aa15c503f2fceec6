"""`tlsrpt readiness DOMAIN`: whether a domain is ready to go from testing to enforce."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline import output
from pipeline.commands._insight import add_as_of, as_of_of, say_ground

if TYPE_CHECKING:
    import argparse

    from pipeline.cli import Context
    from pipeline.insight.api import Readiness


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("domain", metavar="DOMAIN", help="the recipient domain")
    add_as_of(parser)
    output.add_arguments(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    from pipeline.insight.enforce.readiness import as_json
    from pipeline.query import open_lake

    with open_lake(settings=context.settings) as lake:
        name = lake.known_domain(args.domain)
        verdict = lake.readiness(name, as_of=as_of_of(args))
    ground = verdict.rests_on
    assert ground is not None  # noqa: S101 -- `Lake.readiness` gives it
    say_ground(ground, args)
    if args.format == "json":
        output.deliver_json(as_json(verdict), args)
    elif args.format == "csv":
        # The what-if by day and sender: what a spreadsheet can use of a verdict.
        rows = [(name, day.report_day, day.submitter_domain, day.sts_sessions, day.would_refuse) for day in verdict.replay]
        output.deliver_rows(("domain", "day", "reporter", "sessions", "would_refuse"), rows, args)
    else:
        output.deliver_text("".join(f"{line}\n" for line in in_full(verdict)), args)
    return 1 if ground.is_nothing else 0


def in_full(verdict: Readiness) -> list[str]:
    """Return all that is said of a verdict, as lines of text; what strangers wrote is escaped."""
    from pipeline.output import escape

    lines = [
        f"{escape(verdict.domain)}: {verdict.verdict}, as of {verdict.as_of}, from {verdict.days} complete days ({verdict.since} to "
        f"{verdict.until})",
        f"  {escape(verdict.arithmetic)}",
        f"  known reporters: {escape(', '.join(verdict.reporters)) or 'none'}; days with sessions: {verdict.days_covered}",
    ]
    if verdict.published is not None:
        mode, age = verdict.published.mode or "unknown mode", verdict.published.max_age_seconds
        source = "as checked" if verdict.published.source == "checked" else "as in most sessions of the last three days"
        lines.append(f"  published policy ({source}): mode {mode}, max_age {age if age is not None else 'unknown'}")
    lines += [f"  - {escape(reason)}" for reason in verdict.reasons]
    refused = [day for day in verdict.replay if day.would_refuse]
    if refused:
        lines.append(f"  sessions that {verdict.refused} ({verdict.would_refuse:,}), newest first:")
        lines += [
            f"    {day.report_day}  {escape(day.submitter_domain)}  {day.would_refuse:,} of {day.sts_sessions:,}"
            for day in refused[:-21:-1]
        ]
    if verdict.blocking:
        lines.append(f"  blocking incidents: {', '.join(verdict.blocking)} (`tlsrpt incidents ID` shows the details)")
    if verdict.possible_from is not None:
        lines.append(f"  all conditions can be met by {verdict.possible_from}")
    lines.append(f"  Next: {escape(verdict.next_step)}")
    return lines
