"""Reading what strangers mail in processes of their own, so that no message can take the run down (RFC 8460 §7).

A worker gets messages and returns rows. It has a bounded address space, a kernel timer per message, no secrets in its environment, and no
way to hand the parent anything but JSON of known shape (`pipeline/docs/decisions/0011-hostile-mail-is-read-in-processes-of-its-own.md`).
"""

from __future__ import annotations

from pipeline.workers.pool import Pool

__all__ = ["Pool"]
