"""An example or two of each command, shown below its help."""

from __future__ import annotations

EXAMPLES: dict[str, tuple[str, ...]] = {
    "ingest": ("tlsrpt ingest", "tlsrpt ingest ~/reports/*.eml.gz --dry-run"),
    "backfill": ("tlsrpt backfill /srv/archive/2024 --workers 8",),
    "status": ("tlsrpt status",),
    "sql": ('tlsrpt sql "select report_domain, sum(failed) as failed from policies group by all"',),
    "questions": ("tlsrpt questions", "tlsrpt questions run success_rate --since 2026-10-01 --until 2026-10-31"),
    "schema": ("tlsrpt schema policies",),
    "rejects": ("tlsrpt rejects", "tlsrpt rejects show 82e2ec0c"),
    "incidents": ("tlsrpt incidents --domain example.org", "tlsrpt incidents 654678", "tlsrpt incidents --new-since-last --fail-on ours"),
    "readiness": ("tlsrpt readiness example.org",),
    "coverage": ("tlsrpt coverage --domain example.org",),
    "report": ("tlsrpt report example.org --output example.org.html", "tlsrpt report example.org --days 30 --pdf example.org.pdf"),
    "export": ("tlsrpt export october.parquet --since 2026-10-01 --until 2026-10-31",),
    "check": ("tlsrpt check", "tlsrpt check example.org --no-store"),
    "plan": ("tlsrpt plan example.org enforce", "tlsrpt plan example.org mx mx3.example.org"),
    "policy": ("tlsrpt policy render example.org --mode enforce", "tlsrpt policy render example.org --mode enforce --only nginx"),
    "notify": ("tlsrpt notify --dry-run", "tlsrpt notify --test ops"),
    "digest": ("tlsrpt digest", "tlsrpt digest --month --send"),
    "metrics": ("tlsrpt metrics --output /var/lib/prometheus/node-exporter/tlsrpt.prom", "tlsrpt metrics --listen 127.0.0.1:9465"),
    "mute": ('tlsrpt mute 654678 --until 2026-12-24 --reason "the relay is being replaced"', "tlsrpt mute"),
    "unmute": ("tlsrpt unmute mx2.example.org",),
    "rebuild": ("tlsrpt rebuild",),
    "maintain": ("tlsrpt maintain --dry-run", "tlsrpt maintain --erase example.org"),
    "backup": ("tlsrpt backup tlsrpt-2026-11-28.tar.gz",),
    "restore": ("tlsrpt --lake /srv/new restore tlsrpt-2026-11-28.tar.gz",),
    "export-raw": ("tlsrpt export-raw 82e2ec0c -o message.eml",),
    "dashboard": ("tlsrpt dashboard", "tlsrpt dashboard --port 8600"),
    "units": ("tlsrpt units --user tlsrpt", "tlsrpt units --cron"),
    "demo": ("tlsrpt demo", "tlsrpt demo --days 30 --no-dashboard"),
    "init": ("tlsrpt init --host imap.example.org --user tls-reports@example.org --domain example.org",),
    "doctor": ("tlsrpt doctor",),
    "completion": ("tlsrpt completion bash > ~/.local/share/bash-completion/completions/tlsrpt",),
}
"""By command, whole command lines."""
