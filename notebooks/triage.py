# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#       jupytext_version: 1.19.6
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Triage of one incident
#
# Something fails. Since when, for whom, on which host, whose fault is it, and what is to be done? The incident that matters most is taken
# and its verdict is checked by hand, down to the reports that prove it.

# %%
from datetime import timedelta

import matplotlib.pyplot as plt
import pandas as pd

from pipeline import open_lake

plt.style.use("report.mplstyle")
AUTHENTICATED, FAILED = "#0072B2", "#D55E00"

lake = open_lake()
incidents = lake.incidents()
incidents

# %% [markdown]
# The one to begin with: not over, ours, the most failed sessions. Put an id of your own here: `chosen = "3a01a6cee39e"`.

# %%
urgency = {"open": 0, "unconfirmed": 1, "resolved": 2}
order = sorted(incidents, key=lambda one: (urgency[one.state], one.fault != "ours", -one.failed_sessions))
chosen = order[0].id if order else None
incident = lake.incident(chosen, evidence=5) if chosen else None
incident

# %% [markdown]
# ## Since when, and how much?
#
# The days before it show what is usual. A rate that jumps on one day is a change on somebody's side; one that creeps is growth or a
# cache.

# %%
if incident:
    period = {"since": incident.first_day - timedelta(days=14), "until": incident.last_day + timedelta(days=7), "domain": incident.domain}
    days = lake.frame("sessions_by_day", **period).set_index("report_day")
    share = 100 * days["failed"] / days["sessions"]

    fig, ax = plt.subplots()
    ax.bar(
        share.index, share, color=[FAILED if one else AUTHENTICATED for one in share.index >= pd.Timestamp(incident.first_day)], width=0.85
    )
    ax.axvline(pd.Timestamp(incident.first_day) - pd.Timedelta(hours=12), color="#444444", linewidth=1, linestyle="--")
    ax.annotate(
        f"first day: {incident.first_day}", (pd.Timestamp(incident.first_day), share.max()), xytext=(6, 0), textcoords="offset points"
    )
    ax.set_title(f"Failed sessions of {incident.domain}, % of the day's sessions")
    plt.show()

# %% [markdown]
# ## Which host, which address?
#
# One address of several: that node. One host of several: that host. All of them: the policy, or the way there.

# %%
if incident:
    span = {"since": incident.first_day, "until": incident.last_day, "domain": incident.domain}
    hosts = lake.frame("failures_by_address", **span)
else:
    hosts = pd.DataFrame()
hosts

# %% [markdown]
# ## For whom?
#
# Success rows name no host. A sender that has many sessions and names the host in no failure is *clean* there; one with few sessions
# proves nothing. If all who could see it see it, it is ours; if one fails where the others are clean, it is theirs.

# %%
if incident:
    senders = lake.frame("sessions_by_reporter", **span).set_index("submitter_domain")
    senders["failing"] = senders["failed"] / senders["sessions"]
    senders = senders.sort_values("sessions").tail(12)

    fig, (left, right) = plt.subplots(1, 2, figsize=(10, 0.9 + 0.35 * len(senders)), sharey=True, width_ratios=[2, 1])
    left.barh(senders.index, senders["sessions"], color="#C9D6E2", label="sessions")
    left.barh(senders.index, senders["failed"], color=FAILED, label="failed")
    left.set_title("Sessions and failed ones")
    left.legend(loc="lower right")
    right.barh(senders.index, 100 * senders["failing"], color=FAILED)
    right.set_title("failed, %")
    for ax in (left, right):
        ax.grid(visible=True, axis="x")
        ax.grid(visible=False, axis="y")
    plt.show()

# %% [markdown]
# How often would a sender that fails as often as the others have seen *nothing*, by chance? With k hosts in use, n sessions miss one of
# them with probability (1 − 1/k)ⁿ. Below 5 % its silence counts as clean.

# %%
if incident:
    hosts_in_use = max(1, hosts["receiving_mx_hostname"].nunique())
    blind = senders[["sessions", "failed"]].copy()
    blind["chance to have missed the host"] = (1 - 1 / max(2, hosts_in_use)) ** blind["sessions"]
    blind = blind.sort_values("sessions", ascending=False)
else:
    blind = pd.DataFrame()
blind.round(4)

# %%
print(incident.comparison if incident else "No incident in the period.")

# %% [markdown]
# ## What do the senders say?

# %%
lake.frame("failures_by_reason", **span) if incident else pd.DataFrame()

# %% [markdown]
# ## The reports that prove it
#
# `tlsrpt export-raw` writes the mail itself, as received.

# %%
reports = [lake.frame("report_one", report_key=key) for key in (incident.report_keys if incident else ())]
pd.concat(reports).T if reports else pd.DataFrame()

# %%
lake.frame("report_failures", report_key=incident.report_keys[0]).T if reports else pd.DataFrame()

# %% [markdown]
# ## What to do

# %%
print(incident.fix if incident else "")
for command in incident.commands if incident else ():
    print("\n$", command)
