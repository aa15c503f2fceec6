"""One domain: may it enforce, which policies do senders apply, how does mail flow and fail; or the list of all domains."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from dashboard.figures import Way, figure, figure_row
from dashboard.filters import Filters, chosen
from dashboard.fleet import WORST, first, fleet, to_domain
from dashboard.flows import flow_tile
from dashboard.formatting import NO_HOST, NO_RESULT, is_plain_name, plain, rate
from dashboard.incident_cards import card
from dashboard.insight import incidents, readiness, same_fault
from dashboard.lake_door import ask, asked
from dashboard.navigation import link, titled, to_reports
from dashboard.policies_part import policies_part
from dashboard.published_part import published
from dashboard.readiness_part import verdict_part, what_if
from dashboard.say import say, whole_days
from dashboard.table_columns import rows_of
from dashboard.tiles import rows_tile, tile
from dashboard.trends import trends
from pipeline.insight.faults import by_fault
from pipeline.insight.phrases import count_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from pipeline.insight.api import Incident


_TABS = ("Sessions", "Senders", "Policies", "Published", "Flow")
_CARDS = 3


def main() -> None:
    """Draw the page: state, verdict, faults and next step first; all else behind tabs."""
    filters = chosen()
    if filters.domain is None:
        _choose(filters)
        return
    _title(filters.domain)
    _state(filters, filters.domain)
    sessions, senders, policy, records, flow = st.tabs(_TABS, key="tab", on_change="rerun", bind="query-params")
    if sessions.open:
        with sessions:
            _figures(filters)
            trends(filters)
    if senders.open:
        with senders:
            _by_sender(filters)
    if policy.open:
        with policy:
            what_if(filters.domain, filters)
            policies_part(filters, filters.domain)
    if records.open:
        with records:
            published(filters, filters.domain)
    if flow.open:
        with flow:
            _hosts(filters)


def _state(filters: Filters, domain: str) -> None:
    """Say how the domain is, whether it may enforce, what is wrong with it and what comes next."""
    sentence = st.empty()
    found = [one for one in incidents(filters, slot=sentence) if one.state == "open"]
    verdict = readiness(domain, filters, slot=sentence)
    total = ask("success_rate", **filters.parameters()).iloc[0]
    sentence.text(whole_days(_sentence(found, total)))
    for group in by_fault(found)[:_CARDS]:
        card(group[0], others=same_fault(group[0], filters), at_home=True)
    if len(found) > _CARDS:
        link(f"All {len(found)} open incidents", "incidents", state="open")
    verdict_part(verdict)


def _sentence(found: Sequence[Incident], total: pd.Series) -> str:
    if not total["sessions"]:
        return "No report about it counts in this period: nothing is known."
    ours = sum(one.fault == "ours" for one in found)
    faults = count_of(len(by_fault(found)), "open fault") if found else "No open fault"
    none = " (not ours)" if len(found) == 1 else " (none of them ours)"
    whose = "" if not found else none if not ours else " (ours)" if ours == len(found) else f" ({ours} ours)"
    used = f"{rate(total['success_rate'])} of {count_of(int(total['rated_sessions']), 'session')} used authenticated TLS"
    return f"{faults}{whose}. {used}."


def _title(domain: str) -> None:
    """Draw the name as the title where it cannot be anything else in Markdown, as plain text otherwise."""
    titled(domain)
    if is_plain_name(domain):
        st.title(domain, anchor=False)
    else:
        st.title("Domain", anchor=False)
        say(plain(domain))


def _choose(filters: Filters) -> None:
    """Offer the domains that need somebody first."""
    st.title("Domain", anchor=False)
    every = fleet(filters, incidents(filters))
    rows_tile(
        "Which domain?",
        first(every, WORST).answer,
        ("report_domain", "open_faults", "success_rate", "failed", "sessions", "sts_mode"),
        unit="Worst first. Choose a name to open it, or any domain in the filter Domain.",
        empty="No domain has a session in this period.",
        alt="Domains, the worst first",
        key="choose-domain",
        to=to_domain,
    )
    link("All domains", "domains")


def _figures(filters: Filters) -> None:
    total = ask("success_rate", **filters.parameters()).iloc[0]
    columns = figure_row(5)
    with columns[0]:
        figure("Authenticated TLS", rate(total["success_rate"]), note=f"on {count_of(int(total['days']), 'day')} with reports")
    with columns[1]:
        figure(
            "MTA-STS",
            rate(total["sts_success_rate"]),
            note="of the sessions under sts",
            help="Success where an MTA-STS policy was applied (RFC 8461)",
        )
    with columns[2]:
        figure(
            "DANE",
            rate(total["tlsa_success_rate"]),
            note="of the sessions under tlsa",
            help="Success where TLSA records were applied (RFC 7672)",
        )
    with columns[3]:
        figure("Failed sessions", total["failed"], way=Way("See them", "reports", {"failing": "true"}))
    with columns[4]:
        figure(
            "Sessions",
            total["sessions"],
            note=f"of {count_of(int(total['reporters']), 'reporter')}",
            way=Way("All its reports", "reports", {}),
        )


def _by_sender(filters: Filters) -> None:
    rows_tile(
        "Results by sender",
        asked("sessions_by_reporter", **filters.parameters()),
        ("submitter_domain", "success_rate", "sessions", "authenticated", "failed", "unprotected", "days", "last_day"),
        unit="Sessions of the period. Choose a name to see the sender's reports.",
        empty="No sender reports on this domain in this period.",
        alt="Sessions by sender",
        key="senders",
        to=lambda row: to_reports(reporter=row["submitter_domain"]),
    )
    types = ["policy_type", "success_rate", "sessions", "succeeded", "failed"]

    def by_type(frame: pd.DataFrame) -> None:
        sums = frame.groupby("policy_type", as_index=False)[["sessions", "succeeded", "failed", "unprotected"]].sum()
        total = ask("success_rate", **filters.parameters()).iloc[0]
        rates = {"sts": total["sts_success_rate"], "tlsa": total["tlsa_success_rate"]}
        rows_of(sums.assign(success_rate=sums["policy_type"].map(rates)), types, alt="Success by policy type")

    tile(
        "Sessions by policy type",
        asked("sessions_by_day_and_policy_type", **filters.parameters()),
        by_type,
        unit="Sessions of the period. sts and tlsa describe the same sessions where a sender supports both; they are not added up.",
        empty="No sessions in this period.",
    )


def _hosts(filters: Filters) -> None:
    flow_tile(filters)
    rows_tile(
        "Which of its MX hosts fail?",
        asked("failures_by_mx", **filters.parameters()),
        ("receiving_mx_hostname", "result_type", "mentions", "addresses", "reporters", "first_day", "last_day"),
        unit="Mentions of the period. Choose a row to see the reports.",
        empty="No failures in this period.",
        alt="Failures by MX host",
        key="its-hosts",
        to=lambda row: to_reports(host=row["receiving_mx_hostname"] or NO_HOST, result=row["result_type"] or NO_RESULT),
    )


main()
