"""The questions that a lake opened as a group does not answer: about mails, runs, bytes, and what does not count.

Of all other questions a group gets its own rows alone (`views/group.sql`); a new question that reads anything else belongs into this list.
"""

OPERATORS_ONLY = frozenset(
    {
        "conflicts", "duplicates", "ingest_health", "ingest_runs", "left_out_rows", "mailbox_habits", "mailboxes", "not_counted",
        "not_proved", "outcomes", "proved_without_bytes", "raw_bytes", "raw_found", "rejects", "rejects_by_code",
        "report_messages", "report_rivals", "table_rows", "tiers",
    }
)  # fmt: skip
