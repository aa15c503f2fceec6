"""Can these numbers be believed: runs, mail by outcome, rejects with their bytes, duplicates, conflicts, forgeries, size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd
import streamlit as st

from dashboard.auditing import handed_over, noted
from dashboard.charts.days import calendar, stacked
from dashboard.charts.palette import OTHERS, OUTCOMES
from dashboard.drawn import chart
from dashboard.figures import figure, figure_row
from dashboard.filters import Filters, chosen
from dashboard.formatting import ago, moment
from dashboard.ground import last_look
from dashboard.lake_door import ask, asked, lake, now, settings
from dashboard.navigation import to_report, to_reports
from dashboard.say import say
from dashboard.table_columns import rows_of
from dashboard.tiles import rows_tile, tile
from pipeline.insight.phrases import count_of
from pipeline.message.verdict import DKIM_RESULTS
from pipeline.output import escape
from pipeline.query.raw_report_text import REJECT_CODES

if TYPE_CHECKING:
    from collections.abc import Callable

    from dashboard.navigation import Target

_SHOWN_BYTES = 20_000
_OUTCOMES = ("stored", "duplicate", "conflict", "quarantined", "too_large", "not_tlsrpt", "expired", "erased")


def main() -> None:
    """Draw the page."""
    filters = chosen()
    st.title("Ingest health", anchor=False)
    _figures()
    _looks()
    _notes()
    _mail(filters)
    _plain_tiles(filters)
    _rejects(filters)


def _figures() -> None:
    extent = ask("extent").iloc[0]
    outcomes = dict(ask("outcomes").itertuples(index=False, name=None))
    columns = figure_row(5)
    with columns[0]:
        looked = last_look(extent["last_ingested_at"])
        figure("Last ingest", ago(looked.at, now()), note=looked.note)
    with columns[1]:
        figure("Messages", extent["messages"], note=f"last received {moment(extent['last_received_at'])}")
    with columns[2]:
        figure("Reports", extent["reports"], note=count_of(int(outcomes.get("duplicate", 0)), "duplicate"))
    with columns[3]:
        figure("Quarantined", outcomes.get("quarantined", 0), note=f"{int(outcomes.get('too_large', 0)):,} too large")
    with columns[4]:
        figure("Conflicts", outcomes.get("conflict", 0), note=f"{int(outcomes.get('not_tlsrpt', 0)):,} not a report")


def _looks() -> None:
    """Say of each mailbox when it was last looked into, and with what success."""
    boxes = lake().mailboxes(now=now())
    if boxes:
        # What is said above every page is not said twice.
        say("\n".join(f"{box.title()}." if box.why else f"{box.title()}. {box.sentence()}" for box in boxes))


def _notes() -> None:
    """Say what a postmaster should know beside the numbers."""
    if settings().trust.dkim == "off":
        say('dkim = "off": senders are not checked; anyone who can write to the mailbox is believed.')
    not_proved = ask("not_proved")
    gone = int(not_proved.loc[not_proved["dkim_result"].isin(["no_key", "expired"]), "reports"].sum())
    if gone:
        say(
            f"{count_of(gone, 'report does', 'reports do')} not count because the signing key was withdrawn or the signature had expired. "
            "Name the servers that checked them in [trust] authserv_ids, or vouch for old mail: tlsrpt ingest --vouch-before DAY"
        )
    waiting = int(ask("mailboxes")["waiting_for_dns"].sum())
    if waiting:
        say(f"{count_of(waiting, 'message waits', 'messages wait')} for a DKIM key that could not be looked up; later runs try again.")


def _mail(filters: Filters) -> None:
    days = calendar(filters.since, filters.as_of)

    def draw(frame: pd.DataFrame) -> None:
        series = []
        for name in _OUTCOMES:
            chosen_rows = frame[frame["outcome"] == name]
            if len(chosen_rows):
                values = {str(day)[:10]: int(count) for day, count in chosen_rows.groupby("received_day")["messages"].sum().items()}
                series.append((name, OUTCOMES.get(name, OTHERS), values))
        chart(stacked(days, series, incomplete=()), key="received", height=260, alt="Messages received by day and outcome")

    tile(
        "What came in, and what became of it?",
        asked("ingest_health", **filters.parameters()),
        draw,
        unit="Messages per UTC day of receipt.",
        empty="No mail was received in this period.",
    )


class _Plain(NamedTuple):
    """A tile that is a table."""

    title: str
    question: str
    columns: tuple[str, ...]
    unit: str
    empty: str
    change: Callable[[pd.DataFrame], pd.DataFrame] | None = None
    to: Callable[[dict[str, Any]], Target | None] | None = None


def _with_meaning(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(means=[DKIM_RESULTS.get(str(result), "no longer in the ledger") for result in frame["dkim_result"]])


_PLAIN = (
    _Plain(
        "When did it run?",
        "ingest_runs",
        (
            "last_ingested_at",
            "accounts",
            "messages",
            "stored",
            "duplicates",
            "conflicts",
            "quarantined",
            "not_tlsrpt",
            "too_large",
            "parser_version",
        ),
        "Messages per run, the newest fifty.",
        "Nothing was ingested yet.",
    ),
    _Plain(
        "Which mailboxes feed it?",
        "mailboxes",
        ("account", "folder", "messages", "last_received_at", "last_ingested_at", "waiting_for_dns", "uidvalidities"),
        "Messages per folder, over the whole lake.",
        "Nothing was ingested yet.",
    ),
    _Plain(
        "Unauthenticated reports",
        "not_proved",
        ("submitter_domain", "trust_tier", "dkim_result", "means", "reports", "first_day", "last_day"),
        "Reports over the whole lake that do not count; their senders may claim any name. Choose a row to see those of the period.",
        "None, or better proved reports have taken their place.",
        _with_meaning,
        lambda row: to_reports(reporter=row["submitter_domain"], shown="not counted"),
    ),
    _Plain(
        "Which reports contradict each other?",
        "conflicts",
        ("report_day", "submitter_domain", "report_id", "report_domains", "counted", "trust_tier", "received_at", "report_key"),
        "Reports with one identity and several contents; the one that counts first. Choose a row to open the report.",
        "None in this period.",
        None,
        lambda row: to_report(row["report_key"]),
    ),
    _Plain(
        "Duplicates",
        "duplicates",
        ("received_day", "account", "folder", "from_domain", "messages", "distinct_messages"),
        "Messages that carried a report already there.",
        "None in this period.",
    ),
    _Plain("How large is the lake?", "table_rows", ("table_name", "row_count"), "Rows per table.", ""),
)


def _plain_tiles(filters: Filters) -> None:
    for one in _PLAIN:
        rows_tile(
            one.title,
            asked(one.question, **filters.parameters()),
            one.columns,
            unit=one.unit,
            empty=one.empty,
            alt=one.title,
            key=f"plain-{one.question}",
            change=one.change,
            to=one.to,
        )


def _rejects(filters: Filters) -> None:
    answer = asked("rejects", **filters.parameters())
    names = [
        "received_at",
        "reject_code",
        "means",
        "reject_detail",
        "from_domain",
        "subject",
        "size_bytes",
        "account",
        "folder",
        "uid",
        "item",
    ]
    picked: list[int] = []

    def draw(frame: pd.DataFrame) -> None:
        means = [REJECT_CODES.get(str(code), "") for code in frame["reject_code"]]
        rows_of(frame.assign(means=means), names, alt="What could not be read", key="rejects", to=picked.append)

    tile(
        "What could not be read, and why?",
        answer,
        draw,
        unit="One row per message; nothing of it is lost. Choose a row to see its bytes.",
        empty="Everything could be read in this period.",
    )
    if picked:
        _bytes(str(answer.frame.iloc[picked[0]]["message_sha256"]))


def _bytes(sha256: str) -> None:
    noted("raw-view", sha256)
    kept = lake().ask("raw_bytes", message_sha256=sha256)
    with st.container(border=True):
        st.header("Its bytes", anchor=False)
        if not kept.num_rows:
            say("They are not kept.")
            return
        content = bytes(kept.column("content")[0].as_py())
        handed_over("Message as received", lambda: content, f"{sha256[:16]}.eml", "application/octet-stream")
        text = content[:_SHOWN_BYTES].decode("utf-8", "backslashreplace")
        st.code("\n".join(escape(line) for line in text.splitlines()), language=None, height=320)


main()
