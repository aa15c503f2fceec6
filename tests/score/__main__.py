"""`make score`: how well incidents, causes and faults are found, on worlds whose truth is known.

Two ranges of seeds: the insight may be tuned on the first; the second is held back, and reported beside it.
"""

from __future__ import annotations

import argparse
import sys
import time
from concurrent.futures import ProcessPoolExecutor

from pipeline.demo.planted_incidents import CAUSES
from tests.score.case import Case, Outcome, play
from tests.score.table import mistakes, table
from tests.worlds.peculiar_worlds import PECULIAR

TUNING, HELD_BACK = range(1, 76), range(10_001, 10_076)


def cases_of(seeds: range, kinds: tuple[str, ...] = ()) -> list[Case]:
    """Return the worlds of a range of seeds.

    For each seed a mixed one, a quiet one for two of three, one of a single cause, and one of a peculiar kind.
    """
    if kinds:
        return [Case(seed, kind) for seed in seeds for kind in kinds]
    cases = [Case(seed, "mixed") for seed in seeds]
    cases += [Case(seed, "quiet") for seed in seeds[: len(seeds) * 2 // 3]]
    cases += [Case(seed, CAUSES[seed % len(CAUSES)]) for seed in seeds]
    cases += [Case(seed, list(PECULIAR)[seed % len(PECULIAR)]) for seed in seeds]
    return cases


def _seeds(text: str) -> range:
    first, _, last = text.partition("..")
    return range(int(first), int(last or first) + 1)


def _score(title: str, cases: list[Case], jobs: int, *, verbose: bool) -> list[Outcome]:
    begun = time.monotonic()
    with ProcessPoolExecutor(jobs) as pool:
        outcomes = list(pool.map(play, cases, chunksize=4))
    print(table(f"{title} ({time.monotonic() - begun:.0f} s)", outcomes))
    for line in mistakes(outcomes) if verbose else ():
        print(f"  {line}")
    print(flush=True)
    return outcomes


def main() -> int:
    """Score both ranges and print a table of each; 1 where a `ready` is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.score", description=__doc__)
    parser.add_argument("--seeds", type=_seeds, metavar="A..B", help="the tuning range")
    parser.add_argument("--held", type=_seeds, metavar="A..B", help="the range that is held back")
    parser.add_argument("--kinds", default="", help="kinds of worlds, separated by commas (default: all)")
    parser.add_argument("--sparse", action="store_true", help="little traffic and many strays: harder than what the insight promises")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--mistakes", action="store_true", help="list every mistake of the tuning range")
    args = parser.parse_args()
    kinds = tuple(kind for kind in args.kinds.split(",") if kind)

    def cases(seeds: range) -> list[Case]:
        return [case._replace(sparse=args.sparse) for case in cases_of(seeds, kinds)]

    outcomes = _score("tuning seeds", cases(args.seeds or TUNING), args.jobs, verbose=args.mistakes)
    if args.held or not args.seeds:
        # What is held back is counted, never looked at.
        outcomes += _score("held-back seeds", cases(args.held or HELD_BACK), args.jobs, verbose=False)
    return 1 if any(j.found == "ready" and j.true != "ready" for outcome in outcomes for j in outcome.verdicts) else 0


if __name__ == "__main__":
    sys.exit(main())
