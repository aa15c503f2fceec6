"""Reading what strangers mail in processes of their own, so that no message can take the run down (RFC 8460 §7).

`pipeline.workers.sandbox` is the one way to read mail in other processes; `pipeline.workers.pool` keeps several of them busy in order. A
worker gets messages and returns rows. It has a bounded address space, a kernel timer per message, no secrets in its environment, and no
way to hand the parent anything but JSON of known shape (`pipeline/docs/decisions/0011-hostile-mail-is-read-in-processes-of-its-own.md`).
"""
