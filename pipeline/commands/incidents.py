"""`tlsrpt incidents`: what fails, since when, for whom, why, and what to do."""

from __future__ import annotations

import gc
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline import output
from pipeline.commands._insight import add_period, as_of_of, say_ground, silent_mailboxes
from pipeline.errors import UsageError
from pipeline.insight.failed_share import share_of
from pipeline.insight.live_opinion import Opinion
from pipeline.insight.phrases import count_of, days_of

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

    from pipeline.cli import Context
    from pipeline.insight.api import Incident
    from pipeline.insight.ground import Ground
    from pipeline.insight.notifications import News
    from pipeline.query import Lake
    from pipeline.query.health import MailboxHealth

_ROWS = 200
"""A longer table nobody reads."""


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
            return _tell_news(lake, args, context)
        else:
            shown = _found(lake, args, context, evidence=_evidence(args, context), most=_most(args))
        silent = silent_mailboxes(lake, args)
        ground = lake.ground(days=args.days, domain=args.domain, as_of=as_of_of(args))
        stopped = not args.id and _has_stopped(lake, ground, args)
    if not args.id:
        say_ground(ground, args)
    if len(shown) > _ROWS and _most(args) is not None:
        shown = shown[:_ROWS]
        output.note(f"the newest {_ROWS} incidents; --all shows all of them, --domain those of one domain")
    _show(shown, args, ground, silent, beside)
    nothing = (ground.is_nothing and not args.id) or (stopped and args.fail_on)
    return 1 if nothing else _exit_code(shown, args.fail_on, silent)


def _tell_all(named: Sequence[Incident], lake: Lake, args: argparse.Namespace) -> int:
    """Tell all of one incident, and what to write to the sender's postmaster where the fault is theirs; of a fault all its domains."""
    from pipeline.output import escape

    incident, *others = named
    text = _letter(lake, incident)
    written = [] if text is None else ["", "  To write to them:", *(f"    {escape(line)}" for line in text.split("\n"))]
    counted = [f"  How it is counted: {escape(sentence)}" for sentence in _counting(lake, incident)]
    lines = [*in_full(incident, names_of(lake, [incident])), *counted, *map(_the_same, others), *written]
    output.deliver_text("".join(f"{line}\n" for line in lines), args)
    return _exit_code(named, args.fail_on, ())


def _letter(lake: Lake, incident: Incident) -> str | None:
    from pipeline.insight.letter import letter

    rows = lake.ask("report_names", keys=list(incident.report_keys[:_IDS])).to_pylist() if incident.report_keys else []
    return letter(incident, [row["report_id"] for row in rows])


def _counting(lake: Lake, incident: Incident) -> list[str]:
    from pipeline.insight.habits import read_counting

    return list(read_counting(lake.ask, incident))


def _the_same(other: Incident) -> str:
    return (
        f"  the same fault on {output.escape(other.domain)}: {other.failed_sessions:,} of {other.sessions:,} sessions {other.went}, "
        f"{other.state}, id {other.id}"
    )


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


def names_of(lake: Lake, incidents: Sequence[Incident]) -> dict[str, str]:
    """Return by report key what a ticket calls a report: day, reporter and the id the reporter gave it."""
    keys = [key for incident in incidents for key in incident.report_keys]
    rows = lake.ask("report_names", keys=keys).to_pylist() if keys else []
    return {row["report_key"]: f"{row['report_day']}  {row['submitter_domain']}  {row['report_id']}" for row in rows}


def _named(lake: Lake, args: argparse.Namespace, context: Context) -> list[Incident]:
    """Return the incident of the ID, or all those of the fault it names, the standing ones first."""
    from pipeline.insight.faults import named_by
    from pipeline.insight.proving_reports import with_evidence

    found = named_by(_found(lake, args, context, evidence=0), args.id)
    if not found:
        raise UsageError(f"there is no incident {args.id!r} in the period; `tlsrpt incidents` lists them, --days looks further back")
    return with_evidence(lake.ask, sorted(found, key=lambda one: one.state != "open"), limit=_evidence(args, context))


def _tell_news(lake: Lake, args: argparse.Namespace, context: Context) -> int:
    """Tell what is new, and remember that it was told; what could not be written out is told again."""
    from pipeline.insight.notifications import news_of
    from pipeline.notify.cron_channel import open_cron_channel

    with open_cron_channel(lake.location) as channel:
        incidents = channel.loud(_found(lake, args, context, evidence=_evidence(args, context)), as_of_of(args))
        news = news_of(incidents, channel.incidents)
        boxes = [] if args.as_of is not None else lake.mailboxes()
        silent = [box for box in boxes if box.why is not None]
        told = dict(channel.mailboxes)
        said = {f"{box.mailbox} {box.why}": str(box.silent_since) for box in silent} if args.as_of is None else _of_mailboxes(told)
        ground = lake.ground(days=args.days, as_of=as_of_of(args))
        stopped = not silent and _has_stopped(lake, ground, args)
        if ground.is_nothing or stopped:
            said[_NOTHING_COUNTS] = told.get(_NOTHING_COUNTS, str(as_of_of(args)))
        names = names_of(lake, [entry.incident for entry in news]) if args.format == "table" else {}
        fresh = [box for box in silent if f"{box.mailbox} {box.why}" not in told]
        again = {box.mailbox: box for box in boxes if box.why is None and box.configured}
        over = [(again[name], since) for name, since in _silent_before(told).items() if name in again]
        if said.get(_NOTHING_COUNTS) and _NOTHING_COUNTS not in told:
            say_ground(ground, args)
        _show_news(news, args, names, _Mailboxes(fresh, over))
        sys.stdout.flush()
        channel.remember(incidents, news, said, now=datetime.now(UTC), as_of=as_of_of(args))
    standing = [entry.incident for entry in news if entry.kind != "over"]
    return 1 if ground.is_nothing or (stopped and args.fail_on) else _exit_code(standing, args.fail_on, silent)


def _has_stopped(lake: Lake, ground: Ground, args: argparse.Namespace) -> bool:
    from pipeline.insight.coverage import has_stopped

    return ground.ends_early and has_stopped(ground, lake.coverage(domain=args.domain, days=args.days, as_of=as_of_of(args)))


_NOTHING_COUNTS = "nothing-counts"
"""What is remembered of a lake none of whose reports counts; of mailboxes a name and a word stand there, with a space between."""


def _of_mailboxes(told: Mapping[str, str]) -> dict[str, str]:
    return {key: since for key, since in told.items() if key != _NOTHING_COUNTS}


class _Mailboxes(NamedTuple):
    """What is new of the mailboxes."""

    silent: Sequence[MailboxHealth]
    over: Sequence[tuple[MailboxHealth, datetime | None]]
    """Those that are read again, and since when they were silent."""

    def as_json(self) -> list[dict[str, Any]]:
        """Return them like incidents."""
        from pipeline.query.health import as_incident

        fresh = [{**as_incident(box), "news": "new", "news_why": box.sentence()} for box in self.silent]
        return fresh + [{**as_incident(box, since=since), "news": "over", "news_why": box.sentence()} for box, since in self.over]

    def in_full(self) -> list[str]:
        """Return them as lines."""
        lines = [line for box in self.silent for line in _about(box)]
        for box, since in self.over:
            silent = f" It was silent since {since:%Y-%m-%d %H:%M} UTC." if since else ""
            lines += [f"OVER: {output.escape(box.title())} again", f"  {output.escape(box.sentence())}{silent}", ""]
        return lines


def _silent_before(told: Mapping[str, str]) -> dict[str, datetime | None]:
    return {key.rpartition(" ")[0]: datetime.fromisoformat(since) if since else None for key, since in _of_mailboxes(told).items()}


def _exit_code(shown: Sequence[Incident], fail_on: str | None, silent: Sequence[MailboxHealth]) -> int:
    standing = [incident for incident in shown if incident.state != "resolved"]
    if fail_on is None:
        return 0
    return 1 if silent or any(fail_on == "any" or incident.fault == "ours" for incident in standing) else 0


def _show(
    incidents: Sequence[Incident],
    args: argparse.Namespace,
    ground: Ground,
    silent: Sequence[MailboxHealth],
    beside: Sequence[dict[str, Any]],
) -> None:
    from pipeline.insight.faults import by_fault
    from pipeline.insight.incident import as_json
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
        output.deliver_rows(_BRIEF, [[_brief(_of_fault(group, name)) for name in _BRIEF] for group in by_fault(incidents)], args)
    else:
        output.deliver(_table(incidents), args)


def _show_news(news: Sequence[News], args: argparse.Namespace, names: Mapping[str, str], boxes: _Mailboxes) -> None:
    from pipeline.insight.incident import as_json

    if args.format == "json":
        output.deliver_json(
            [*boxes.as_json(), *({**as_json(entry.incident), "news": entry.kind, "news_why": entry.why} for entry in news)], args
        )
    elif args.format == "csv":
        import pyarrow as pa

        table = _table([entry.incident for entry in news])
        output.deliver(table.add_column(0, "news", pa.array([entry.kind for entry in news], pa.string())), args)
    elif news or boxes.silent or boxes.over:
        lines = [*boxes.in_full(), *(line for group in _one_fault_each(news) for line in _news_in_full(group, names))]
        output.deliver_text("".join(f"{line}\n" for line in lines), args)


def _one_fault_each(news: Sequence[News]) -> list[list[News]]:
    """Return the news in groups, one for each fault and kind."""
    groups: dict[tuple[str, str], list[News]] = {}
    for entry in news:
        groups.setdefault((entry.kind, entry.incident.fault_id), []).append(entry)
    return list(groups.values())


def _news_in_full(group: Sequence[News], names: Mapping[str, str]) -> list[str]:
    first, *others = group
    below = [_the_same(other.incident) for other in others]
    return [f"{first.kind.upper()}: {first.why}", *in_full(first.incident, names), *below, ""]


def _about(box: MailboxHealth) -> tuple[str, ...]:
    return f"NEW: {output.escape(box.title())}", f"  {output.escape(box.sentence())}", f"  {box.fix()}", ""


_IDS = 5
"""Reports named in a letter."""
_BRIEF = (
    "id",
    "state",
    "fault",
    "domain",
    "title",
    "mx_hosts",
    "reporters",
    "first_day",
    "last_day",
    "failed_sessions",
    "share",
    "last_check",
)


def _of_fault(group: Sequence[Incident], name: str) -> object:
    """Return what a table says of one fault: its domains together, its sessions summed."""
    first = group[0]
    if len(group) == 1:
        return getattr(first, name)
    if name == "domain":
        return tuple(sorted(one.domain for one in group))
    if name == "reporters":
        return tuple(sorted({reporter for one in group for reporter in one.reporters}))
    together: dict[str, object] = {
        "first_day": min(one.first_day for one in group),
        "last_day": max(one.last_day for one in group),
        "failed_sessions": sum(one.failed_sessions for one in group),
        "share": share_of(group),
    }
    return together.get(name, getattr(first, name))


def _brief(value: object) -> object:
    """Of many texts the first three, and how many more; of what the last check says its kind."""
    if isinstance(value, Opinion):
        return value.state
    if not isinstance(value, tuple):
        return value
    return "; ".join(value[:3]) + (f" +{len(value) - 3}" if len(value) > 3 else "")


def _table(incidents: Sequence[Incident]) -> pa.Table:
    """Return incidents as rows with the members of the JSON, for a spreadsheet."""
    import pyarrow as pa

    from pipeline.insight.incident import PROMISED

    kinds: dict[str, Any] = {"first_day": pa.date32(), "last_day": pa.date32(), "failed_sessions": pa.int64(), "share": pa.float64()}
    lists = {"result_types", "mx_hosts", "receiving_ips", "reporters", "report_keys"}
    columns = {}
    for name in PROMISED:
        values = [getattr(incident, name) for incident in incidents]
        columns[name] = pa.array(values, kinds.get(name, pa.list_(pa.string()) if name in lists else pa.string()))
    return pa.table(columns)


def in_full(incident: Incident, names: Mapping[str, str] | None = None) -> list[str]:
    """Return all that is said of an incident, as lines of text; what strangers wrote is escaped."""
    from pipeline.output import escape

    days = days_of(incident.first_day, incident.last_day) if incident.state != "open" else f"since {incident.first_day}"
    lines = [
        f"{escape(incident.domain)}: {incident.title}",
        f"  {incident.state}, fault: {incident.fault}, {days}, id {incident.id}",
        f"  {incident.failed_sessions:,} of {incident.sessions:,} sessions {incident.went} ({incident.share_said})",
        f"  MX hosts:  {_joined(incident.mx_hosts)}",
        f"  addresses: {_joined(incident.receiving_ips)}{f' (only {escape(incident.node)})' if incident.node else ''}",
        f"  senders:   {_joined(incident.reporters)}",
        f"  results:   {_joined(tuple(name or 'no details' for name in incident.result_types))}",
        f"  reasons:   {_joined(incident.reasons)}",
        f"  What it means ({incident.rfc}): {incident.meaning}",
        f"  What to do: {incident.fix}",
        *(f"    $ {command}" for command in incident.commands),
        f"  Why this verdict: {escape(incident.comparison)}",
        *([f"  {escape(incident.last_check.sentence)}"] if incident.last_check else []),
    ]
    if incident.report_keys:
        more = incident.report_count - len(incident.report_keys)
        lines.append(
            f"  Evidence: {count_of(incident.report_count, 'report')}{f', the newest {len(incident.report_keys)}' if more else ''}:"
        )
        lines += [f"    {escape((names or {}).get(key, key))}" for key in incident.report_keys]
    return lines


def _joined(texts: Sequence[str], most: int = 12) -> str:
    from pipeline.output import escape

    shown = [escape(text) for text in texts[:most]]
    return (", ".join(shown) + (f" and {len(texts) - most} more" if len(texts) > most else "")) or "none named"
