"""`tlsrpt incidents --new-since-last`: what is new of incidents and mailboxes, told once, and how a run ends for cron."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from pipeline import output
from pipeline.commands._incident_text import full_rows, in_full, names_of, the_same
from pipeline.commands._insight import as_of_of, say_ground

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping, Sequence

    from pipeline.insight.api import Incident
    from pipeline.insight.ground import Ground
    from pipeline.insight.told_incidents import News
    from pipeline.query import Lake
    from pipeline.query.health import MailboxHealth

_NOTHING_COUNTS = "nothing-counts"
"""What is remembered of a lake none of whose reports counts; of mailboxes a name and a word stand there, with a space between."""


def tell_news(lake: Lake, args: argparse.Namespace, find: Callable[[], list[Incident]]) -> int:
    """Tell what is new, remember that it was told, and return the exit code; what could not be written out is told again.

    Args:
        lake: The open lake; beside it is what was told before.
        args: The command line of `tlsrpt incidents`.
        find: Returns all incidents there are; called while nobody else can tell them.

    Raises:
        LakeError: The lake, or what was told before, cannot be read or written.
        TryAgainError: Another process is telling.
        UsageError: `--as-of` is no day that can be asked about.
    """
    from pipeline.insight.told_incidents import news_of
    from pipeline.notify.cron_channel import open_cron_channel

    with open_cron_channel(lake.location) as channel:
        incidents = channel.loud(find(), as_of_of(args))
        news = news_of(incidents, channel.incidents)
        boxes = [] if args.as_of is not None else lake.mailboxes()
        silent = [box for box in boxes if box.why is not None]
        told = dict(channel.mailboxes)
        said = {f"{box.mailbox} {box.why}": str(box.silent_since) for box in silent} if args.as_of is None else _of_mailboxes(told)
        ground = lake.ground(days=args.days, as_of=as_of_of(args))
        stopped = not silent and has_stopped_lately(lake, ground, args)
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
    return 1 if ground.is_nothing or (stopped and args.fail_on) else exit_code(standing, args.fail_on, silent)


def has_stopped_lately(lake: Lake, ground: Ground, args: argparse.Namespace) -> bool:
    """Whether reports have stopped: known reporters sent for a while and then no more.

    Args:
        lake: The open lake.
        ground: What the conclusion rests on, for the same days and domain.
        args: The command line: `domain`, `days` and `as_of`.

    Raises:
        LakeError: The lake cannot be read.
    """
    from pipeline.insight.coverage import has_stopped

    return ground.ends_early and has_stopped(ground, lake.coverage(domain=args.domain, days=args.days, as_of=as_of_of(args)))


def exit_code(shown: Sequence[Incident], fail_on: str | None, silent: Sequence[MailboxHealth]) -> int:
    """Return 1 where what is shown is worth it by `--fail-on`, or where a mailbox is silent then.

    Args:
        shown: The incidents that were shown; those that are resolved do not count.
        fail_on: `ours`, `any`, or None, which fails on nothing.
        silent: Mailboxes that nobody reads or that give nothing.
    """
    standing = [incident for incident in shown if incident.state != "resolved"]
    if fail_on is None:
        return 0
    return 1 if silent or any(fail_on == "any" or incident.fault == "ours" for incident in standing) else 0


def _of_mailboxes(told: Mapping[str, str]) -> dict[str, str]:
    return {key: since for key, since in told.items() if key != _NOTHING_COUNTS}


class _Mailboxes(NamedTuple):
    """What is new of the mailboxes."""

    silent: Sequence[MailboxHealth]
    over: Sequence[tuple[MailboxHealth, datetime | None]]
    """Those that are read again, and since when they were silent."""

    def as_json(self) -> list[dict[str, object]]:
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


def _show_news(news: Sequence[News], args: argparse.Namespace, names: Mapping[str, str], boxes: _Mailboxes) -> None:
    from pipeline.insight.incident import PROMISED, as_json

    if args.format == "json":
        output.deliver_json(
            [*boxes.as_json(), *({**as_json(entry.incident), "news": entry.kind, "news_why": entry.why} for entry in news)], args
        )
    elif args.format == "csv":
        rows = full_rows([entry.incident for entry in news])
        output.deliver_rows(("news", *PROMISED), [[entry.kind, *row] for entry, row in zip(news, rows, strict=True)], args)
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
    below = [the_same(other.incident) for other in others]
    return [f"{first.kind.upper()}: {first.why}", *in_full(first.incident, names), *below, ""]


def _about(box: MailboxHealth) -> tuple[str, ...]:
    return f"NEW: {output.escape(box.title())}", f"  {output.escape(box.sentence())}", f"  {box.fix()}", ""
