"""`tlsrpt status`: what is in the lake, when it was last fed, and what became of the mail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline import output
from pipeline.commands._insight import say_ground
from pipeline.insight.phrases import count_of
from pipeline.message.verdict import DKIM_RESULTS

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from datetime import datetime

    import pyarrow as pa

    from pipeline.cli import Context
    from pipeline.config import Settings
    from pipeline.insight.first_weeks import FirstWeeks
    from pipeline.insight.ground import Ground
    from pipeline.notify.kept_notes import ChannelState
    from pipeline.query import Lake
    from pipeline.query.health import MailboxHealth

_KEYS_GONE = ("no_key", "expired")
"""Results of old mail whose sender withdrew the key since: not forged, and not proved any more."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    output.add_arguments(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    from pipeline.lake.storage.locate import configured_location
    from pipeline.notify.kept_notes import channel_states
    from pipeline.query import open_lake

    with open_lake(settings=context.settings) as lake:
        status = status_of(lake, context.settings)
        weeks = lake.first_weeks()
        ground, boxes = lake.ground(since=lake.ask("extent").to_pylist()[0]["first_day"]), lake.mailboxes()
    channels = channel_states(configured_location(context.settings.lake), context.settings.notify)
    status |= {
        "rests_on": ground.as_json(),
        "looks": [box.as_json() for box in boxes],
        "channels": [channel.as_json() for channel in channels],
    }
    say_ground(ground, args)
    if args.format == "table":
        said = [weeks.sentence()] if weeks.last else []
        said += [f"Channel {channel.channel} is {channel.sentence()}" for channel in channels if channel.failing_since]
        for sentence in [*said, *notes(status)]:
            output.note(output.escape(sentence))
    if args.format == "json":
        output.deliver_json(status, args)
    else:
        output.deliver(_lines(status, ground, boxes, weeks, channels), args)
    return 0


def status_of(lake: Lake, settings: Settings) -> dict[str, Any]:
    """Return the status as the JSON output has it."""
    runs = lake.ask("ingest_runs", at_most=1).to_pylist()
    not_proved = lake.ask("not_proved").to_pylist()
    by_result: dict[str, int] = {}
    for row in not_proved:
        by_result[row["dkim_result"] or "unknown"] = by_result.get(row["dkim_result"] or "unknown", 0) + row["reports"]
    return {
        "mailboxes": _mailboxes(lake, settings),
        "tables": _named(lake.ask("table_rows"), "table_name", "row_count"),
        "last_run": runs[0] if runs else None,
        "outcomes": _named(lake.ask("outcomes"), "outcome", "messages"),
        "tiers": {row["trust_tier"]: {"reports": row["reports"], "counted": row["counted"]} for row in lake.ask("tiers").to_pylist()},
        "forged": {
            "checked": settings.trust.dkim == "verify",
            "reports": sum(row["reports"] for row in not_proved),
            "keys_gone": sum(by_result.get(result, 0) for result in _KEYS_GONE),
            "by_dkim_result": by_result,
            "submitters": [row for row in not_proved if row["dkim_result"] not in _KEYS_GONE][:20],
        },
        "left_out": _named(lake.ask("left_out_rows"), "table_name", "row_count"),
        "schema": lake.snapshot.schema_version,
    }


def notes(status: dict[str, Any]) -> list[str]:
    """Return what a postmaster should know beside the numbers, in sentences."""
    forged, said = status["forged"], []
    if not forged["checked"] and status["tiers"]:
        said.append('dkim = "off": senders are not checked; anyone who can write to the mailbox is believed')
    if left_out := sum(status["left_out"].values()):
        claim = "claims more sessions than [limits] allows" if left_out == 1 else "claim more sessions than [limits] allows"
        said.append(f"{count_of(left_out, 'stored row')} {claim} (policy_sessions, report_sessions); excluded from every answer")
    if waiting := sum(box["waiting_for_dns"] for box in status["mailboxes"]):
        wait = "is waiting" if waiting == 1 else "are waiting"
        said.append(f"{count_of(waiting, 'message')} {wait} for a DKIM key from the DNS; the next runs retry")
    return said


def _mailboxes(lake: Lake, settings: Settings) -> list[dict[str, Any]]:
    """Return the folders mail came from, and the configured ones that none came from yet."""
    configured = {(box.name, folder) for box in settings.mailbox for folder in box.all_folders}
    configured |= {(source.name, source.prefix) for source in settings.source}
    seen = lake.ask("mailboxes").to_pylist()
    known = {(row["account"], row["folder"]) for row in seen}
    nothing = {"messages": 0, "last_received_at": None, "last_ingested_at": None, "waiting_for_dns": 0, "uidvalidities": 0}
    empty = [{"account": account, "folder": folder, **nothing} for account, folder in sorted(configured - known)]
    return [{**row, "configured": (row["account"], row["folder"]) in configured} for row in (*seen, *empty)]


def _named(table: pa.Table, name: str, value: str) -> dict[str, int]:
    return {row[name]: row[value] for row in table.to_pylist()}


def _lines(
    status: dict[str, Any], ground: Ground, boxes: Sequence[MailboxHealth], weeks: FirstWeeks, channels: Sequence[ChannelState]
) -> pa.Table:
    """Return the status as rows of section, name and value."""
    import pyarrow as pa

    from pipeline.lake.delta.snapshot import said_of_schema

    rows: list[tuple[str, str, str]] = []
    rows += [("look", box.mailbox, box.title() if box.why else box.sentence()) for box in boxes]
    rows += [("domain", name, f"no report {'yet' if state == 'waiting' else 'ever'}") for name, state in ground.without_reports()]
    if weeks.last:
        rows += [("usual reporter", one.reporter, f"{one.state()}; {one.usually}") for one in weeks.reporters if one.usually]
    rows += [("channel", channel.channel, channel.sentence()) for channel in channels]
    rows += [("lake", "schema", said_of_schema(status["schema"]))]
    rows += [("table", name, count_of(count, "row")) for name, count in status["tables"].items()]
    for box in status["mailboxes"]:
        rows.append(
            (
                "mailbox",
                f"{box['account']} {box['folder']}",
                f"{count_of(box['messages'], 'message')}, last received {_when(box['last_received_at'])}",
            )
        )
    run = status["last_run"]
    told = f"{count_of(run['messages'], 'message')}, {_when(run['last_ingested_at'])}" if run else ""
    rows.append(("last run that stored", run["run_id"] if run else "none", told))
    rows += [("outcome", name, count_of(count, "message")) for name, count in status["outcomes"].items()]
    rows += [("trust", name, f"{count_of(tier['reports'], 'report')}, {tier['counted']:,} count") for name, tier in status["tiers"].items()]
    for result, count in status["forged"]["by_dkim_result"].items():
        rows.append(("not proved", result, f"{count_of(count, 'report')}: {DKIM_RESULTS.get(result, 'no longer in the ledger')}"))
    return pa.table(dict(zip(("about", "name", "value"), zip(*rows, strict=True), strict=True)))


def _when(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment is not None else "never"
