"""Every bound on what a stranger may mail, in one place (RFC 8460 §7).

All are settings: `[limits]` of the configuration overrides them by name. Sizes in bytes, the rest in the unit of the name.
"""

from __future__ import annotations

from typing import NamedTuple


class Limits(NamedTuple):
    """The bounds; a message beyond one is recorded or quarantined with a code, never half stored."""

    message_bytes: int = 15 * 1024 * 1024
    """RFC 8460 §5.2 speaks of a ten megabyte report; base64 and headers make 13.3 of it. Larger mail is not fetched."""
    attachment_bytes: int = 10 * 1024 * 1024
    """Compressed report (RFC 8460 §5.2)."""
    json_bytes: int = 20 * 1024 * 1024
    """Inflated report. No ratio is refused: honest reports reach 256:1."""
    json_depth: int = 16
    """The schema needs 5."""
    json_values: int = 1_500_000
    """Commas in the JSON text, counted before it is parsed: bounds the memory of the parsed value."""
    json_objects: int = 120_000
    """Opening braces, counted before the text is parsed."""
    json_arrays: int = 120_000
    """Opening brackets, counted before the text is parsed."""
    policies: int = 1_000
    """Per report; real reports have 1 to 20."""
    failure_details: int = 50_000
    """Per report."""
    policy_sessions: int = 10**9
    """Sessions of one policy, and what one failure detail mentions. The largest senders report some millions a day."""
    report_sessions: int = 10**10
    """Sessions of a report, and what its failure details mention together: far below what sums can hold (RFC 8460 sets no bound)."""
    policy_lines: int = 500
    """policy-string elements per policy."""
    policy_chars: int = 64 * 1024
    """policy-string, all elements of a policy (RFC 8461 §3.3)."""
    hosts: int = 500
    """mx-host elements per policy."""
    host_chars: int = 253
    """RFC 1035 §2.3.4."""
    ip_chars: int = 45
    organization_chars: int = 256
    contact_chars: int = 320
    report_id_chars: int = 512
    helo_chars: int = 255
    free_text_chars: int = 2_048
    """additional-information, failure-reason-code."""
    header_block_bytes: int = 256 * 1024
    header_bytes: int = 16 * 1024
    """One header field, unfolded."""
    boundary_lines: int = 400
    """Lines that begin with `--`: each may be a MIME boundary."""
    mime_parts: int = 50
    mime_depth: int = 8
    report_parts: int = 4
    """Report parts per mail."""
    window_days: int = 31
    """A longer reporting period is quarantined."""
    long_window_days: int = 8
    """A longer reporting period is marked `window_long`."""
    stale_days: int = 35
    """A report that ends so long before it was received is marked `stale`."""
    future_hours: int = 48
    """A report may end so long after it was received: clock errors, zone mistakes (Halon's script labels local midnight as UTC)."""
    unknown_members: int = 50
    """Names of unknown members kept per report; all are counted."""
    seconds_per_message: float = 20.0
    """Wall and CPU time of reading one message, in the worker process."""
    worker_memory_bytes: int = 1024 * 1024 * 1024
    """Address space of the worker process beyond what it has at its start."""


DEFAULT_LIMITS = Limits()
