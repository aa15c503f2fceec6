"""`tlsrpt plan`: a change of what is published, step by step, with the earliest safe day of each."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pipeline import output
from pipeline.commands._insight import add_as_of, as_of_of, say_whose
from pipeline.commands._published import HELD_UNKNOWN, domains_of, lake_is_there, ways_of
from pipeline.errors import UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from datetime import date

    from pipeline.cli import Context
    from pipeline.config import Settings
    from pipeline.published.plan_state import PlanState, PlanStep
    from pipeline.query import Lake


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("domain", metavar="DOMAIN", help="the domain")
    parser.add_argument(
        "change", choices=("enforce", "retire", "mx", "tlsa"), help="the target: enforce, retire, or new MX hosts or TLSA records"
    )
    parser.add_argument(
        "new",
        nargs="*",
        default=[],
        metavar="NEW",
        help="for mx: all MX hosts after the change; for tlsa: all records after it, each as '3 1 1 hex'",
    )
    add_as_of(parser)
    output.add_arguments(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    from pipeline.query import open_lake

    if bool(args.new) != (args.change in {"mx", "tlsa"}):
        raise UsageError(f"`plan DOMAIN {args.change}` {'takes nothing more' if args.new else 'needs the new hosts or records'}")
    (domain,) = domains_of([args.domain], context.settings)
    new = _wanted(args, context.settings)
    lake_is_there(context.settings, HELD_UNKNOWN)
    say_whose(context.settings, args)
    with open_lake(settings=context.settings, missing_ok=True) as lake:
        state = _state(lake, domain, as_of_of(args), context.settings)
        steps = _plan(lake, state, args.change, new, context.settings)
    if args.format == "json":
        output.deliver_json([_as_json(number, step, state) for number, step in enumerate(steps, 1)], args)
    elif args.format == "csv":
        rows = [(number, step.earliest, step.what, step.why, "\n".join(step.publish)) for number, step in enumerate(steps, 1)]
        output.deliver_rows(("step", "earliest", "what", "why", "publish"), rows, args)
    else:
        output.deliver_text("".join(f"{line}\n" for line in _in_full(state, steps)), args)
    return 0


def _wanted(args: argparse.Namespace, settings: Settings) -> tuple[Any, ...]:
    """Return the target: enforce, retire, or new MX hosts or TLSA records: MX hosts, or TLSA records.

    Raises:
        UsageError: One of them is no such thing.
    """
    from pipeline.published.tlsa import records_of

    return domains_of(args.new, settings) if args.change == "mx" else records_of(args.new)


def _plan(lake: Lake, state: PlanState, change: str, new: Sequence[Any], settings: Settings) -> list[PlanStep]:
    from pipeline.insight.api import readiness
    from pipeline.published.mx import NULL_MX
    from pipeline.published.plan import plan_enforce, plan_mx, plan_retire, plan_tlsa

    if change == "retire":
        return plan_retire(state)
    if change == "enforce":
        verdict = readiness(lake.ask, state.domain, as_of=state.today, settings=settings.insight, known=settings.trust.known_reporters)
        ready = verdict.verdict in {"ready", "already-enforcing"}
        return plan_enforce(
            state,
            possible_from=state.today if ready else verdict.possible_from,
            missing=() if ready else [entry.sentence for entry in verdict.missing],
        )
    if not state.mx_hosts:
        raise UsageError(f"the MX hosts of {state.domain} are not known; run `tlsrpt check {state.domain}` first")
    if change == "tlsa" and state.mx_hosts == (NULL_MX,):
        raise UsageError(f"{state.domain} takes no mail (RFC 7505), so no certificate is asked for")
    return plan_mx(state, new) if change == "mx" else plan_tlsa(state, new)


def _state(lake: Lake, domain: str, today: date, settings: Settings) -> PlanState:
    """Gather what is known: what is published now, what checks found however long ago, and what senders applied."""
    from pipeline.published.policy_evidence import gather_evidence
    from pipeline.published.published_now import look_at_published

    live = look_at_published(domain, ways_of(settings)) if today >= datetime.now(UTC).date() else None
    return gather_evidence(lake.ask, domain, live, today=today)


def _in_full(state: PlanState, steps: Sequence[PlanStep]) -> list[str]:
    lines = [f"Based on: {output.escape(sentence)}" for sentence in state.rests_on]
    if not steps:
        lines.append("Nothing left to do.")
    for number, step in enumerate(steps, 1):
        when = f"from {step.earliest}" if step.earliest is not None else "later"
        lines += [
            f"{number}. {when}: {output.escape(step.what)}",
            f"   Why: {output.escape(step.why)}",
            *(f"       {output.escape(line)}" for line in step.publish),
        ]
    return lines


def _as_json(number: int, step: PlanStep, state: PlanState) -> dict[str, object]:
    earliest = step.earliest.isoformat() if step.earliest else None
    return {"step": number, **step._asdict(), "earliest": earliest, "rests_on": state.rests_on}
