"""`tlsrpt incidents`: what fails, since when, for whom, why, and what to do."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

from pipeline import output
from pipeline.commands._incident_news import exit_code, has_stopped_lately, tell_news
from pipeline.commands._incident_text import BRIEF, brief_rows, full_rows, in_full, names_of, the_same
from pipeline.commands._insight import add_period, as_of_of, say_ground, silent_mailboxes
from pipeline.errors import UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from pipeline.cli import Context
    from pipeline.insight.api import Incident
    from pipeline.insight.ground import Ground
    from pipeline.query import Lake
    from pipeline.query.health import MailboxHealth

_ROWS = 200
"""A longer table nobody reads."""
_IDS = 5
"""Reports named in a letter."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "id",
        nargs="?",
        metavar="ID",
        help="show one incident, or one fault with its domains, in full; a unique prefix or an earlier id works too",
    )
    add_period(parser)
    parser.add_argument("--domain", metavar="NAME", help="one domain only")
    parser.add_argument("--all", action="store_true", help="every incident with all its evidence, not only the newest")
    parser.add_argument(
        "--new-since-last", action="store_true", help="only what is new, worse or resolved since the last such run; for cron"
    )
    parser.add_argument(
        "--fail-on", choices=("ours", "any"), help="exit 1 if an incident shown is open and our fault (ours), or open at all (any)"
    )
    output.add_arguments(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    from pipeline.query import open_lake

    if args.id and args.new_since_last:
        raise UsageError("--new-since-last is about all incidents; leave out the ID")
    if args.group and args.new_since_last:
        raise UsageError("--new-since-last remembers what the operator was told; a group is told by its channels, with tlsrpt notify")
    # A short process with many small values: looking for cycles among them would cost a tenth of its time.
    gc.disable()
    beside: list[dict[str, Any]] = []
    with open_lake(settings=context.settings) as lake:
        if args.id:
            shown = _named(lake, args, context)
            if args.format == "table":
                return _tell_all(shown, lake, args)
            beside = [{"letter": _letter(lake, one), "counting": _counting(lake, one)} for one in shown]
        elif args.new_since_last:
            return tell_news(lake, args, lambda: _found(lake, args, context, evidence=_evidence(args, context)))
        else:
            shown = _found(lake, args, context, evidence=_evidence(args, context), most=_most(args))
        silent = silent_mailboxes(lake, args)
        ground = lake.ground(days=args.days, domain=args.domain, as_of=as_of_of(args))
        stopped = not args.id and has_stopped_lately(lake, ground, args)
    if not args.id:
        say_ground(ground, args)
    if len(shown) > _ROWS and _most(args) is not None:
        shown = shown[:_ROWS]
        output.note(f"the newest {_ROWS} incidents; --all shows all of them, --domain those of one domain")
    _show(shown, args, ground, silent, beside)
    nothing = (ground.is_nothing and not args.id) or (stopped and args.fail_on)
    return 1 if nothing else exit_code(shown, args.fail_on, silent)


def _tell_all(named: Sequence[Incident], lake: Lake, args: argparse.Namespace) -> int:
    """Tell all of one incident, and what to write to the sender's postmaster where the fault is theirs; of a fault all its domains."""
    from pipeline.output import escape

    incident, *others = named
    text = _letter(lake, incident)
    written = [] if text is None else ["", "  To write to them:", *(f"    {escape(line)}" for line in text.split("\n"))]
    counted = [f"  How it is counted: {escape(sentence)}" for sentence in _counting(lake, incident)]
    lines = [*in_full(incident, names_of(lake, [incident])), *counted, *map(the_same, others), *written]
    output.deliver_text("".join(f"{line}\n" for line in lines), args)
    return exit_code(named, args.fail_on, ())


def _letter(lake: Lake, incident: Incident) -> str | None:
    from pipeline.insight.letter import letter

    rows = lake.ask("report_names", keys=list(incident.report_keys[:_IDS])).to_pylist() if incident.report_keys else []
    return letter(incident, [row["report_id"] for row in rows])


def _counting(lake: Lake, incident: Incident) -> list[str]:
    from pipeline.insight.habits import read_counting

    return list(read_counting(lake.ask, incident))


def _most(args: argparse.Namespace) -> int | None:
    """A table for eyes has so many rows; one more is asked for, to see that there are more."""
    return None if args.all or args.format != "table" or args.fail_on else _ROWS + 1


def _evidence(args: argparse.Namespace, context: Context) -> int | None:
    """Report keys are looked for where they are shown."""
    if args.format == "table" and not args.id:
        return 0
    return None if args.all else context.settings.insight.evidence


def _found(lake: Lake, args: argparse.Namespace, context: Context, *, evidence: int | None, most: int | None = None) -> list[Incident]:
    from pipeline.insight.api import find_incidents

    settings = context.settings
    return find_incidents(
        lake.ask,
        as_of=as_of_of(args),
        settings=settings.insight,
        known=settings.trust.known_reporters,
        days=args.days,
        domain=lake.known_domain(args.domain) if args.domain else None,
        evidence=evidence,
        most=most,
    )


def _named(lake: Lake, args: argparse.Namespace, context: Context) -> list[Incident]:
    """Return the incident of the ID, or all those of the fault it names, the standing ones first."""
    from pipeline.insight.faults import named_by
    from pipeline.insight.proving_reports import with_evidence

    found = named_by(_found(lake, args, context, evidence=0), args.id)
    if not found:
        raise UsageError(f"there is no incident {args.id!r} in the period; `tlsrpt incidents` lists them, --days looks further back")
    return with_evidence(lake.ask, sorted(found, key=lambda one: one.state != "open"), limit=_evidence(args, context))


def _show(
    incidents: Sequence[Incident],
    args: argparse.Namespace,
    ground: Ground,
    silent: Sequence[MailboxHealth],
    beside: Sequence[dict[str, Any]],
) -> None:
    from pipeline.insight.incident import PROMISED, as_json
    from pipeline.query.health import as_incident, not_read

    if args.format == "json":
        if args.id:
            named = [as_json(one) | more for one, more in zip(incidents, beside, strict=True)]
            output.deliver_json(named[0] if len(named) == 1 else [*map(as_incident, silent), *named], args)
        else:
            output.deliver_json([*map(as_incident, silent), *map(as_json, incidents)], args)
    elif args.format == "table" and not incidents:
        missing = output.escape(not_read(silent))
        none = ground.good_news("no incidents") + (f", in what has been read: {missing}" if missing else "")
        output.deliver_text(f"{none}\n" if ground.reports else "no conclusion: nothing counts\n", args)
    elif args.format == "table":
        output.deliver_rows(BRIEF, brief_rows(incidents), args)
    else:
        output.deliver_rows(PROMISED, full_rows(incidents), args)
