"""`tlsrpt maintain`: merge and sort files, apply retention, clean up, make sums, keep the answers of the day; or erase domains."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipeline import output
from pipeline.errors import TryAgainError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.cli import Context
    from pipeline.config import Settings
    from pipeline.lake.open_lake import OpenLake
    from pipeline.lake.upkeep.maintain import Done


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dry-run", action="store_true", help="show what would be removed, change nothing")
    parser.add_argument(
        "--erase",
        metavar="DOMAIN",
        help="erase this domain instead: its rows, the bytes of the mails about it, its name in ledger and logs; readers must be closed",
    )
    parser.add_argument(
        "--erase-group", metavar="NAME", help="erase every domain of this [[group]] in the same way; none that another group has, too"
    )
    parser.add_argument(
        "--repair",
        action="store_true",
        help="without a backup: strike off what is missing or broken and no rebuild recreates (stored mail, ledger, checks)",
    )
    output.add_arguments(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    import pyarrow as pa

    from pipeline import log
    from pipeline.lake.open_lake import open_for_writing
    from pipeline.lake.storage.locate import configured_location
    from pipeline.lake.storage.near import refuse_missing
    from pipeline.lake.upkeep.maintain import Done
    from pipeline.lake.upkeep.repair import repair
    from pipeline.tables.schema import OUTLIVE_REBUILD

    if sum(map(bool, (args.repair, args.erase, args.erase_group))) > 1:
        raise UsageError("give one of --repair, --erase and --erase-group")
    settings = context.settings
    log.set_up(layout=settings.log.format, level=settings.log.level)
    location = configured_location(settings.lake)
    refuse_missing(location)
    domains = [_domain(args.erase)] if args.erase else _of_group(args.erase_group, settings) if args.erase_group else []
    if domains and not args.dry_run and settings.receive.spool:
        _take_what_was_promised(settings, domains)
    with open_for_writing(location, mending=OUTLIVE_REBUILD if args.repair else ()) as lake:
        if args.repair:
            done = repair(lake, dry_run=args.dry_run)
        elif args.erase or args.erase_group:
            done = _erased(lake, domains, dry_run=args.dry_run)
        else:
            done = _maintained(lake, settings, dry_run=args.dry_run)
    columns = {name: [getattr(each, name) for each in done] for name in Done._fields}
    if done or args.format != "table":
        output.deliver(pa.table(columns), args)
    if args.format == "table":
        output.note(_sentence(done, dry_run=args.dry_run))
        if args.repair and not args.dry_run:
            output.note("run `tlsrpt rebuild` where `tlsrpt doctor` still names broken files")
    return 0


def _maintained(lake: OpenLake, settings: Settings, *, dry_run: bool) -> list[Done]:
    """Do what there is to do, and make the sums that questions over years are answered from, while the lake is locked."""
    from pipeline.lake.upkeep.maintain import Done, maintain
    from pipeline.query.reader import Lake

    keep, today = settings.retention, datetime.now(UTC).date()
    done = maintain(lake, today=today, raw_days=keep.raw_days, report_months=keep.report_months, dry_run=dry_run)
    if dry_run:
        return done
    with Lake(lake.location, settings) as reader:
        made = list(reader.make_sums(f"{today:%Y-%m}"))
        try:
            reader.keep_answers(today)
        except TryAgainError as err:
            output.note(f"today's answers were not kept for the page and the other commands: {err}")
    return [*done, Done("sums", "policies", files=len(made))] if made else done


def _take_what_was_promised(settings: Settings, domains: Sequence[str]) -> None:
    """Read the spool first: what is in no lake yet would come back, and only reading it says whom it is about."""
    from pipeline.ingest.mail_set_aside import forget_others
    from pipeline.ingest.run import take_spool

    take_spool(settings)
    for domain in domains:
        forget_others(settings.receive.spool, domain)


def _of_group(name: str, settings: Settings) -> list[str]:
    """Return the domains of a group: those it names, and whatever was reported, counted or not, below its patterns.

    Raises:
        UsageError: There is no such group, or a domain is another group's, too.
    """
    from pipeline.groups import audience_of, named_groups
    from pipeline.query import open_lake

    (group,) = named_groups(settings.group, [name])
    whose = audience_of([group])
    with open_lake(settings=settings) as lake:
        reported = [row["report_domain"] for row in lake.ask("reported_domains").to_pylist()]
    domains = sorted({*whose.domains, *filter(whose.sees, (*reported, *settings.domains.own))})
    for other in settings.group:
        if shared := [domain for domain in domains if other.name != name and audience_of([other]).sees(domain)]:
            raise UsageError(
                f"{shared[0]} is of group {other.name}, too, and nothing is erased; take it out of one of them, or erase each domain by "
                "its name with --erase"
            )
    return domains


def _erased(lake: OpenLake, domains: Sequence[str], *, dry_run: bool) -> list[Done]:
    """Erase one domain after another, each from tables, mails and notes."""
    from collections import Counter

    from pipeline.lake.upkeep.erase import erase_domain
    from pipeline.lake.upkeep.maintain import Done
    from pipeline.notify.kept_notes import forget_domain

    went: Counter[str] = Counter()
    for domain in domains:
        went += erase_domain(lake, domain, dry_run=dry_run)
        if not dry_run:
            forget_domain(lake.location, domain)
    return [Done("erasure", name, rows) for name, rows in sorted(went.items()) if rows]


def _domain(text: str) -> str:
    """Return a domain as the lake has it: an A-label, lower-case.

    Raises:
        UsageError: It is none.
    """
    try:
        name = text.strip().rstrip(".").encode("idna").decode("ascii").lower()
    except UnicodeError:
        name = ""
    if not name or set(name) - set("abcdefghijklmnopqrstuvwxyz0123456789.-_"):
        raise UsageError(f"{output.escape(text)} is not a domain; --erase takes a name such as example.org")
    return name


def _sentence(done: Sequence[Done], *, dry_run: bool) -> str:
    if not done:
        return "nothing to do"
    return "nothing was changed; run without --dry-run to apply" if dry_run else "done"
