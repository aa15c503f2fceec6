"""`tlsrpt plan`: a change of what is published, step by step, with the earliest safe day of each."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pipeline import output
from pipeline.commands._insight import add_as_of, as_of_of, known_names
from pipeline.commands.check import domains_of
from pipeline.errors import UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from pipeline.cli import Context
    from pipeline.config import Settings
    from pipeline.published.plan import State, Step
    from pipeline.query import Lake


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("domain", metavar="DOMAIN", help="the domain")
    parser.add_argument("change", choices=("enforce", "retire", "mx", "tlsa"), help="what is to be there in the end")
    parser.add_argument(
        "new", nargs="*", metavar="NEW", help="for mx: all MX hosts to be; for tlsa: all records to be, each as '3 1 1 hex'"
    )
    add_as_of(parser)
    output.add_arguments(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    from pipeline.query import open_lake

    if bool(args.new) != (args.change in {"mx", "tlsa"}):
        raise UsageError(f"`plan DOMAIN {args.change}` {'takes nothing more' if args.new else 'needs what is to be there'}")
    (domain,) = domains_of([args.domain], context.settings)
    with open_lake(settings=context.settings) as lake:
        steps = _plan(lake, domain, args, context.settings)
    if args.format == "json":
        output.deliver_json([_as_json(number, step) for number, step in enumerate(steps, 1)], args)
    elif args.format == "csv":
        output.deliver(_table(steps), args)
    else:
        output.deliver_text("".join(f"{line}\n" for line in _in_full(steps)), args)
    return 0


def _plan(lake: Lake, domain: str, args: argparse.Namespace, settings: Settings) -> list[Step]:
    from pipeline.insight.api import readiness
    from pipeline.published.plan import plan_enforce, plan_mx, plan_retire, plan_tlsa
    from pipeline.published.tlsa import parse_tlsa

    state = _state(lake, domain, args)
    if args.change == "retire":
        return plan_retire(state)
    if args.change == "enforce":
        verdict = readiness(lake.ask, domain, as_of=state.today, settings=settings.insight, known=known_names(settings))
        ready = verdict.verdict in {"ready", "already-enforcing"}
        return plan_enforce(
            state,
            possible_from=state.today if ready else verdict.possible_from,
            missing=() if ready else [entry.sentence for entry in verdict.missing],
        )
    if not state.mx_hosts:
        raise UsageError(f"the MX hosts of {domain} are not known; run `tlsrpt check {domain}` first, and the plan within seven days")
    if args.change == "mx":
        return plan_mx(state, domains_of(args.new, settings))
    records = [parse_tlsa(text) for text in args.new]
    if not all(record is not None and record.usable for record in records):
        raise UsageError("a TLSA record for mail is written as '3 1 1 hex' (usage 2 or 3, selector 0 or 1, type 0 to 2), quoted")
    return plan_tlsa(state, [record for record in records if record is not None])


def _state(lake: Lake, domain: str, args: argparse.Namespace) -> State:
    from pipeline.insight.published import FRESH_DAYS
    from pipeline.published.plan import State
    from pipeline.published.seen import LOOK_BACK_DAYS

    today = as_of_of(args)
    seen = lake.policies_seen(domain, as_of=today, days=LOOK_BACK_DAYS)
    fresh = [
        row
        for row in lake.ask("published_now", checked_until=today).to_pylist()
        if row["domain"] == domain and row["checked_at"].date() >= today - timedelta(days=FRESH_DAYS)
    ]
    hosts, tlsa = (tuple(fresh[0][name]) if fresh else () for name in ("mx_hosts", "tlsa_records"))
    return State(domain, today, seen, hosts, tlsa)


def _in_full(steps: Sequence[Step]) -> list[str]:
    lines = []
    for number, step in enumerate(steps, 1):
        when = f"from {step.earliest} on" if step.earliest is not None else "later"
        lines += [
            f"{number}. {when}: {output.escape(step.what)}",
            f"   Why: {output.escape(step.why)}",
            *(f"       {output.escape(line)}" for line in step.publish),
        ]
    return lines


def _as_json(number: int, step: Step) -> dict[str, Any]:
    return {"step": number, **step._asdict(), "earliest": step.earliest.isoformat() if step.earliest else None}


def _table(steps: Sequence[Step]) -> Any:
    import pyarrow as pa

    return pa.table(
        {
            "step": pa.array(range(1, len(steps) + 1), pa.int32()),
            "earliest": pa.array([step.earliest for step in steps], pa.date32()),
            "what": pa.array([step.what for step in steps], pa.string()),
            "why": pa.array([step.why for step in steps], pa.string()),
            "publish": pa.array(["\n".join(step.publish) for step in steps], pa.string()),
        }
    )
