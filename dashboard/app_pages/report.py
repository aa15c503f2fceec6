"""One report in full: parsed beside raw, its quirks, how far it is proved, where it came from; and its bytes to take away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from dashboard.auditing import handed_over, noted
from dashboard.figures import figure, figure_row
from dashboard.formatting import listed, moment, plain
from dashboard.lake_door import ask, asked, lake, settings
from dashboard.navigation import kept_search, link, place, titled
from dashboard.readers import audience
from dashboard.say import say
from dashboard.table_columns import rows_of
from dashboard.tiles import tile
from pipeline.insight.phrases import count_of
from pipeline.message.verdict import DKIM_RESULTS
from pipeline.output import escape, json_text
from pipeline.query.raw_report_text import QUIRKS, report_texts

if TYPE_CHECKING:
    from collections.abc import Hashable

    from pipeline.query import Lake

_LONGEST_RAW = 200_000
"""Characters of a raw text on the page; the download has them all."""


def main() -> None:
    """Draw the page."""
    key = place("key") or ""
    found = ask("report_one", report_key=key)
    st.title("Report", anchor=False)
    if came_from := place("incident"):
        link("← Back to the incident", "incident", id=came_from)
    else:
        link("← Back to the search", "reports", **kept_search())
    if found.empty:
        say("There is no such report in the lake.")
        return
    report = found.iloc[0].to_dict()
    titled(f"Report of {report['submitter_domain']}, {report['report_day']:%Y-%m-%d}")
    _figures(asked("report_policies", report_key=key).frame)
    parsed, raw = st.columns(2)
    with parsed:
        _head(report)
        _quirks(list(report["quirks"]))
        _policies(key)
    with raw:
        _raw(report)
    if audience() is None:
        _rivals(key)
        _mail(key)


def _head(report: dict[Hashable, Any]) -> None:
    lines = (
        ("Reporter", f"{plain(report['submitter_domain'])} (by {plain(report['submitter_source'])})"),
        ("Organisation", plain(report["organization_name"])),
        ("Contact", plain(report["contact_info"])),
        ("Report id", plain(report["report_id"])),
        ("Domains", listed(report["report_domains"], 20)),
        ("Period", f"{moment(report['window_start'])} to {moment(report['window_end'])}"),
        ("As sent", f"{plain(report['window_start_raw'])} to {plain(report['window_end_raw'])}"),
        ("Received", moment(report["received_at"])),
        ("Trust", plain(report["trust_tier"])),
        ("Key", plain(report["report_key"])),
    )
    with st.container(border=True):
        st.header("Who says what about which days?", anchor=False)
        st.badge("● counts" if report["counted"] else "✕ does not count", color="blue" if report["counted"] else "gray")
        say("\n".join(f"{label}: {value}" for label, value in lines))


def _figures(policies: pd.DataFrame) -> None:
    columns = figure_row(4)
    with columns[0]:
        figure("Sessions", policies["sessions"].sum(), help="Sessions told under two policies once")
    with columns[1]:
        figure("Failed", policies["failed"].sum(), help="Of sessions told under two policies, those that failed under either")
    with columns[2]:
        figure("Policies", len(policies))
    with columns[3]:
        figure("Mentions", policies["failure_detail_sum"].sum(), help="The failure details added up; they may overlap")


def _quirks(codes: list[str]) -> None:
    with st.container(border=True):
        st.header("Does it keep to the standard?", anchor=False)
        if not codes:
            say("Yes: nothing had to be tolerated.")
            return
        say(f"{count_of(len(codes), 'deviation was', 'deviations were')} tolerated:")
        say("\n".join(f"• {code}: {QUIRKS.get(code, 'a deviation this program does not know')}" for code in map(escape, codes)))


def _policies(key: str) -> None:
    names = [
        "policy_type",
        "success_count",
        "failure_count",
        "policy_domain",
        "report_domain",
        "policy_ix",
        "failure_detail_sum",
        "told_twice",
        "sessions",
        "failed",
        "sts_mode",
        "sts_max_age_seconds",
        "policy_strings",
        "mx_host",
    ]
    tile(
        "Which policies, how many sessions?",
        asked("report_policies", report_key=key),
        lambda frame: rows_of(frame, names, alt="The policies of the report"),
        unit="Sessions per policy, as sent.",
        empty="It carries no policy.",
    )
    details = [
        "result_type",
        "failed_session_count",
        "receiving_mx_hostname",
        "receiving_ip",
        "sending_mta_ip",
        "receiving_mx_helo",
        "failure_reason_code",
        "additional_information",
        "policy_ix",
    ]
    tile(
        "Failures by result type",
        asked("report_failures", report_key=key),
        lambda frame: rows_of(frame, details, alt="The failure details of the report"),
        unit="Mentions per failure detail, as sent.",
        empty="It carries no failure detail.",
    )


def _rivals(key: str) -> None:
    answer = asked("report_rivals", report_key=key)
    if answer.table.num_rows < 2:
        return
    names = ["report_key", "counted", "trust_tier", "content_sha256", "superseded_by", "reason", "received_at"]
    tile(
        "Which other reports claim the same identity?",
        answer,
        lambda frame: rows_of(frame, names, alt="Reports of the same identity"),
        unit="One of them counts: the best proved, and of these the smallest digest.",
        empty="",
    )


def _mail(key: str) -> None:
    answer = asked("report_messages", report_key=key)
    names = [
        "received_at",
        "from_domain",
        "dkim_result",
        "means",
        "dkim_domain",
        "outcome",
        "account",
        "folder",
        "uid",
        "item",
        "subject",
        "dkim_selector",
        "dkim_algorithm",
        "dkim_key_bits",
        "authserv_id",
        "tls_report_domain",
        "tls_report_submitter",
        "container",
        "size_bytes",
        "message_sha256",
    ]

    def draw(frame: pd.DataFrame) -> None:
        means = [DKIM_RESULTS.get(str(result), "") for result in frame["dkim_result"]]
        rows_of(frame.assign(means=means), names, alt="The messages that carried the report")

    tile(
        "Where did it come from, and is the sender proved?",
        answer,
        draw,
        unit="One row per message that carried it, first received first; times in UTC.",
        empty="The ledger no longer has the message.",
    )


def _raw(report: dict[Hashable, Any]) -> None:
    noted("raw-view", str(report["report_key"]))
    if audience() is not None:
        _part(report)
        return
    sha256 = str(report["message_sha256"])
    opened = lake()
    kept = opened.ask("raw_bytes", message_sha256=sha256)
    with st.container(border=True):
        st.header("What did the sender write?", anchor=False)
        if not kept.num_rows:
            say("The bytes are no longer kept (retention or erasure).")
            return
        content = bytes(kept.column("content")[0].as_py())
        with st.container(horizontal=True):
            handed_over("Message as received", lambda: content, f"{sha256[:16]}.eml", "application/octet-stream")
            handed_over("Rows as JSON", lambda: _as_json(report, opened), f"{sha256[:16]}.json", "application/json")
        documents, mail = st.tabs(["Report as JSON", "Mail"])
        with documents:
            for text in report_texts(content, limits=settings().report_limits) or ["no report text can be read in it"]:
                st.code(_bounded(text), language=None, wrap_lines=True)
        with mail:
            st.code(_bounded(content[: 2 * _LONGEST_RAW].decode("utf-8", "backslashreplace")), language=None, wrap_lines=True)


def _part(report: dict[Hashable, Any]) -> None:
    """Show a group what the sender wrote of its domains: the mail is the operator's."""
    opened = lake()
    with st.container(border=True):
        st.header("What did the sender write?", anchor=False)
        texts = opened.report_texts(str(report["report_key"]))
        if not texts:
            st.text("The report as sent is no longer kept, or came with others in one mail; its rows are above.")
            return
        handed_over("Rows as JSON", lambda: _as_json(report, opened), "report.json", "application/json", of=str(report["report_key"]))
        for text in texts:
            st.code(_bounded(text), language=None, wrap_lines=True)


def _bounded(text: str) -> str:
    lines = "\n".join(escape(line) for line in text[:_LONGEST_RAW].splitlines())
    return lines + ("\n… cut here; the download has it all" if len(text) > _LONGEST_RAW else "")


def _as_json(report: dict[Hashable, Any], opened: Lake) -> bytes:
    key = str(report["report_key"])
    parts = {
        name: opened.ask(f"report_{question}", report_key=key).to_pylist()
        for name, question in (("report", "one"), ("policies", "policies"), ("failures", "failures"))
    }
    return json_text(parts, indent=True).encode("utf-8")


main()
