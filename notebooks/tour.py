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
# # A tour of the lake
#
# What is in it, what the reports say, and how far they can be believed: the questions of the dashboard as frames and plots.
#
# `open_lake()` reads the configuration as the command line does (`TLSRPT_CONFIG`, `./tlsrpt.toml`, …);
# `open_lake("/var/lib/tlsrpt/lake")` opens another lake. Nothing here writes. Counts are **sessions**, never messages; days are UTC, and
# a day is complete two days later.

# %%
import matplotlib.pyplot as plt

from pipeline import open_lake

plt.style.use("report.mplstyle")
AUTHENTICATED, FAILED, UNPROTECTED = "#0072B2", "#D55E00", "#AAAAAA"

lake = open_lake()
lake

# %%
lake.ground()

# %% [markdown]
# ## What is there
#
# The tables and views, each with the meaning of its columns. `lake.tables["policies"]` shows another one; `tlsrpt schema` prints them
# all.

# %%
lake.frame("extent").T

# %%
lake.tables

# %%
lake.tables["sessions"]

# %% [markdown]
# Most of what one wants to know has a name already: `lake.ask(name, …)` answers as an Arrow table, `lake.frame(name, …)` as a pandas
# frame. Without `since` and `until` the answer is about the last 90 days.

# %%
lake.questions

# %% [markdown]
# ## Is mail delivered over authenticated TLS?

# %%
lake.frame("success_rate").round(4)

# %%
days = lake.frame("sessions_by_day").set_index("report_day")

fig, (top, bottom) = plt.subplots(2, 1, figsize=(10, 5.2), sharex=True, height_ratios=[2, 1])
below = 0
for column, colour in (("authenticated", AUTHENTICATED), ("failed", FAILED), ("unprotected", UNPROTECTED)):
    # Days that may still get reports are paler.
    for incomplete, alpha in ((False, 1.0), (True, 0.35)):
        chosen = days["incomplete"] == incomplete
        base = below[chosen] if column != "authenticated" else 0
        label = column if not incomplete else None
        top.bar(days.index[chosen], days[column][chosen], bottom=base, color=colour, alpha=alpha, width=0.9, label=label)
    below = below + days[column]
top.set_title("Sessions by day")
top.legend(ncols=3, loc="lower left", bbox_to_anchor=(0.4, 1.0))
complete = days[~days["incomplete"]]
bottom.plot(complete.index, 100 * complete["success_rate"], color=AUTHENTICATED)
bottom.set_title("Authenticated, % of all sessions (complete days)")
plt.show()

# %% [markdown]
# By domain: a domain without a policy has *unprotected* sessions, not failed ones.

# %%
lake.frame("sessions_by_domain").round({"success_rate": 4})

# %% [markdown]
# ## What fails?
#
# One line per run of failures with one cause and one scope. `lake.incident(id)` shows the details; the notebook *triage* goes through it.

# %%
lake.incidents()

# %%
types = lake.frame("failures_by_result_type").sort_values("mentions")

if len(types):
    fig, ax = plt.subplots(figsize=(10, 0.6 + 0.45 * len(types)))
    ax.barh(types["result_type"].replace("", "(no result type)"), types["mentions"], color=FAILED)
    ax.grid(visible=True, axis="x")
    ax.grid(visible=False, axis="y")
    ax.set_title("Mentions by result type (one session may be mentioned twice)")
    plt.show()

# %% [markdown]
# ## Reporters?

# %%
reporters = lake.frame("sessions_by_reporter")

fig, ax = plt.subplots(figsize=(10, 0.8 + 0.35 * min(len(reporters), 15)))
largest = reporters.head(15).iloc[::-1]
left = 0
for column, colour in (("authenticated", AUTHENTICATED), ("failed", FAILED), ("unprotected", UNPROTECTED)):
    ax.barh(largest["submitter_domain"], largest[column], left=left, color=colour, label=column)
    left = left + largest[column]
ax.grid(visible=True, axis="x")
ax.grid(visible=False, axis="y")
ax.set_title("Sessions by reporter, the largest fifteen")
ax.legend(loc="lower right")
plt.show()

# %% [markdown]
# ## Can I believe these numbers?
#
# Anybody can mail a report. Counted are senders that are proved to be who they say (`[trust] count`), and of two reports with the same
# identity only the better proved one.

# %%
lake.frame("tiers")

# %%
lake.frame("not_counted")

# %%
lake.frame("rejects_by_code")

# %% [markdown]
# Silence proves nothing. Who used to report, and does not any more?

# %%
coverage = lake.coverage()
silent = [line for line in coverage if line.silent_since]
print(f"{len(coverage)} pairs of reporter and domain, {len(silent)} of them silent")

# %% [markdown]
# ## A question nobody foresaw
#
# `lake.sql` runs one `SELECT` over the views, with bound parameters. Do weekends differ?

# %%
weekdays = lake.sql(
    """
    select
        dayname(report_day) as weekday,
        isodow(report_day) as number,
        count(distinct report_day) as days,
        sum(sessions) / count(distinct report_day) as sessions_a_day
    from sessions
    where report_day >= $since
    group by all
    order by number
    """,
    {"since": "2020-01-01"},
).to_pandas()
weekdays.round({"sessions_a_day": 0})
