"""Single failed sessions that mean nothing: a handshake cut short, a server that was restarted, a fetch that timed out."""

from __future__ import annotations

import random

from pipeline.demo.session_counts import Applied, Failed
from pipeline.demo.simulated_reporters import Reporter

KINDS = ("handshake", "starttls", "fetch-timeout")
_WEIGHTS = (0.6, 0.2, 0.2)


def add_stray(rows: list[Applied], reporter: Reporter, places: list[tuple[str, str]], rng: random.Random) -> None:
    """Make one session of the day fail for no lasting reason.

    Args:
        rows: What the reporter counted; changed in place.
        reporter: Who counted it.
        places: MX host and address the session may have gone to.
        rng: That of the day, whose draws come in the same order every time.
    """
    kind = rng.choices(KINDS, _WEIGHTS)[0]
    candidates = [row for row in rows if row.success and (row.policy_type == "sts" or kind == "starttls")]
    if not candidates or not places:
        return
    row = rng.choice(candidates)
    if kind == "fetch-timeout":
        rows.append(Applied("sts", failure=1, failed=[Failed(kind, None, None, None, 1, None)]))
        return
    host, address = rng.choice(places)
    row.success -= 1
    row.failure += 1
    row.failed.append(Failed(kind, host, address, rng.choice(reporter.addresses), 1, None))
