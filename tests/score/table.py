"""The score as a table."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from pipeline.demo.planted_incidents import CAUSES, LOST
from tests.worlds.peculiar_worlds import PECULIAR

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tests.score.case import Match, Outcome


def table(title: str, outcomes: Sequence[Outcome]) -> str:
    """Return the score of some worlds as text."""
    by_cause: defaultdict[str, list[Match]] = defaultdict(list)
    extra: Counter[str] = Counter()
    for outcome in outcomes:
        for match in outcome.matches:
            by_cause[match.true.cause].append(match)
        extra.update(incident.cause for incident in outcome.extra)
    lines = [
        f"{title}: {len(outcomes)} worlds, {sum(map(len, by_cause.values()))} incidents",
        "",
        f"{'cause':26}{'true':>6}{'found':>7}{'extra':>7}{'recall':>8}{'precision':>11}{'fault':>8}{'first±1':>9}{'last±1':>8}{'state':>7}",
    ]
    causes = (*CAUSES, LOST, *sorted(extra.keys() - {*CAUSES, LOST}))
    lines += [_line(cause, by_cause[cause], extra[cause]) for cause in causes if by_cause[cause] or extra[cause]]
    lines.append(_line("all", [match for matches in by_cause.values() for match in matches], sum(extra.values())))
    lines += ["", *_kinds(outcomes), "", *_quiet(outcomes), *_totals(outcomes), *_verdicts(outcomes)]
    return "\n".join(lines)


def _line(name: str, matches: Sequence[Match], extra: int) -> str:
    found = [match for match in matches if match.found is not None]
    cells = [
        _rate(len(found), len(matches)),
        _rate(len(found), len(found) + extra),
        _rate(sum(match.found.fault == match.true.fault for match in found), len(found)),
        _rate(sum(match.first_day_error <= 1 for match in found), len(found)),
        _rate(sum(match.last_day_error <= 1 for match in found), len(found)),
        _rate(sum(match.state_is_right for match in found), len(found)),
    ]
    widths = (8, 11, 8, 9, 8, 7)
    return f"{name:26}{len(matches):>6}{len(found):>7}{extra:>7}" + "".join(
        f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True)
    )


_TOLERANCE = 0.005


def _kinds(outcomes: Sequence[Outcome]) -> list[str]:
    """Say it for each kind of world apart; those of one cause, mixed and quiet ones are the usual ones."""
    kinds: defaultdict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        kinds[outcome.case.kind if outcome.case.kind in PECULIAR else "usual"].append(outcome)
    lines = [
        f"{'kind of world':26}{'worlds':>8}{'true':>6}{'found':>7}{'extra':>7}{'fault':>8}{'first±1':>9}{'ready wrong':>13}{'totals':>9}"
    ]
    for kind, of_kind in sorted(kinds.items(), key=lambda pair: (pair[0] != "usual", pair[0])):
        matches = [match for outcome in of_kind for match in outcome.matches]
        found = [match for match in matches if match.found is not None]
        ready = sum(judged.found == "ready" and judged.true != "ready" for outcome in of_kind for judged in outcome.verdicts)
        exact = sum(all(total.error <= _TOLERANCE for total in outcome.totals) for outcome in of_kind)
        lines.append(
            f"{kind:26}{len(of_kind):>8}{len(matches):>6}{len(found):>7}{sum(len(outcome.extra) for outcome in of_kind):>7}"
            f"{_rate(sum(match.found.fault == match.true.fault for match in found), len(found)):>8}"
            f"{_rate(sum(match.first_day_error <= 1 for match in found), len(found)):>9}{ready:>13}{_rate(exact, len(of_kind)):>9}"
        )
    return lines


def _totals(outcomes: Sequence[Outcome]) -> list[str]:
    """Say how far the sums of sessions and failures are from what was sent."""
    lines = []
    for what in ("sessions", "failed"):
        errors = [total.error for outcome in outcomes for total in outcome.totals if total.what == what]
        exact = sum(error <= _TOLERANCE for error in errors)
        worst = f"{max(errors, default=0):.2%}"
        lines.append(f"{what}: within {_TOLERANCE:.1%} of what was sent in {exact} of {len(errors)} worlds, at worst {worst} off")
    return lines


def _rate(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f}%" if whole else "–"


def _quiet(outcomes: Iterable[Outcome]) -> list[str]:
    quiet = [outcome for outcome in outcomes if outcome.case.kind == "quiet"]
    alarms = sum(len(outcome.extra) for outcome in quiet)
    return [f"quiet worlds: {len(quiet)}, false alarms in them: {alarms}"] if quiet else []


def _verdicts(outcomes: Iterable[Outcome]) -> list[str]:
    pairs = Counter((judged.true, judged.found) for outcome in outcomes for judged in outcome.verdicts)
    right = sum(count for (true, found), count in pairs.items() if true == found)
    wrong_ready = sum(count for (true, found), count in pairs.items() if found == "ready" and true != "ready")
    lines = [f"verdicts: {sum(pairs.values())}, right {_rate(right, sum(pairs.values()))}, wrong `ready`: {wrong_ready}"]
    lines += [
        f"  {count:>5}  {true} → {found}{'' if true == found else '   wrong'}"
        for (true, found), count in sorted(pairs.items(), key=lambda p: -p[1])
    ]
    return lines


def mistakes(outcomes: Iterable[Outcome]) -> list[str]:
    """Return one line for everything that is not right, so that it can be looked at."""
    lines = []
    for outcome in outcomes:
        where = f"{'sparse ' if outcome.case.sparse else ''}{outcome.case.kind} {outcome.case.seed} as of {outcome.as_of}"
        for match in outcome.matches:
            true = match.true
            what = f"{where}: {true.domain} {true.cause} {true.fault} {true.first_day}..{true.last_day} {true.failed_sessions} sessions"
            if match.found is None:
                lines.append(f"missed  {what}")
            elif match.found.fault != true.fault or match.first_day_error > 1 or match.last_day_error > 1 or not match.state_is_right:
                found = match.found
                lines.append(
                    f"unlike  {what}; found {found.fault} {found.first_day}..{found.last_day} {found.state} {found.failed_sessions}"
                )
        lines += [
            f"extra   {where}: {f.domain} {f.cause} {f.fault} {f.first_day}..{f.last_day} {f.failed_sessions} {f.reporters}"
            for f in outcome.extra
        ]
        lines += [
            f"total   {where}: {total.what} {total.true}, found {total.found}" for total in outcome.totals if total.error > _TOLERANCE
        ]
        lines += [f"verdict {where}: {j.domain} is {j.true}, found {j.found}" for j in outcome.verdicts if j.true != j.found]
    return lines
