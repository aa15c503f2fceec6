"""What parent and worker both know: how long a message may take, and how a failure of the program is named."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.workers.reading_task import Job

LOOK_UPS = 13
"""Time-outs of the DNS that one message may cost: three signatures for each of four reports, and one look at the resolver itself."""

PLACE = struct.Struct("=q")
"""What stands in the memory that parent and worker share: the message of the chunk being read, -1 for none."""

PIECE_ROWS = 20_000
"""Rows that a worker gathers before it sends them."""


def wall_seconds(job: Job) -> float:
    """Return the seconds of wall time one message may take: those of reading it, and of waiting for the DNS where keys are looked up."""
    return job.limits.seconds_per_message + (LOOK_UPS * job.trust.dns_timeout if job.trust.dkim == "verify" else 0.0)


def place_of(err: Exception) -> str:
    """Return the innermost place in the program: file and line, nothing of the message."""
    trace = err.__traceback__
    place = ""
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if "pipeline" in file:
            place = f"{Path(file).name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place
