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
# # Reporters compared
#
# Who sends reports, how regularly and how fast, in which dialect, and what each of them can see. A number of one reporter can only be
# judged by its manners.

# %%
import matplotlib.pyplot as plt
import pandas as pd

from pipeline import open_lake

plt.style.use("report.mplstyle")

lake = open_lake()
lake.ground()

# %%
reporters = lake.frame("sessions_by_reporter")
reporters.round({"success_rate": 4})

# %% [markdown]
# ## Coverage: who reported on which day
#
# A gap is a day without a report: no mail, no report sent, or none received. When all columns have a gap at once, look at the mailbox.

# %%
calendar = lake.frame("coverage_by_reporter_day").pivot_table(
    index="submitter_domain", columns="report_day", values="sessions", aggfunc="sum"
)
calendar = calendar.loc[[name for name in reporters["submitter_domain"] if name in calendar.index]].head(25)
if len(calendar):
    calendar = calendar.reindex(columns=pd.date_range(calendar.columns.min(), calendar.columns.max()))
    fig, ax = plt.subplots(figsize=(10, 1.0 + 0.3 * len(calendar)))
    shades = calendar.div(calendar.max(axis=1), axis=0)
    ax.imshow(shades, aspect="auto", cmap="Blues", vmin=-0.25, vmax=1, interpolation="nearest")
    ax.set_yticks(range(len(calendar)), calendar.index)
    weeks = list(range(0, calendar.shape[1], 14))
    ax.set_xticks(weeks, [f"{calendar.columns[number]:%d %b}" for number in weeks])
    ax.grid(visible=False)
    ax.set_title("Sessions by day, each reporter against its own best day; white: no report")
    plt.show()

# %% [markdown]
# ## Habits: how often, how late, silent since
#
# The lag is what decides when a day is complete.

# %%
coverage = lake.coverage().to_pandas()
habits = coverage.groupby("reporter").agg(
    domains=("domain", "nunique"),
    sessions=("sessions", "sum"),
    usual_every_days=("usual_every_days", "median"),
    lag_hours=("lag_hours", "median"),
    silent_pairs=("silent_since", "count"),
)
habits = habits.sort_values("sessions", ascending=False)
habits.round(1)

# %%
late = habits.dropna(subset=["lag_hours"]).sort_values("lag_hours")
if len(late):
    fig, ax = plt.subplots(figsize=(10, 0.9 + 0.32 * len(late)))
    ax.barh(late.index, late["lag_hours"])
    ax.axvline(48, color="#D55E00", linewidth=1, linestyle="--")
    ax.set_title("Hours from the end of the day to the report; a day counts as complete after 48")
    ax.grid(visible=True, axis="x")
    ax.grid(visible=False, axis="y")
    plt.show()

# %% [markdown]
# ## Dialects: what is tolerated
#
# Every deviation from RFC 8460 has a code; a row is a share of the reporter's reports. `tlsrpt` never drops a report for one of them.

# %%
quirks = lake.frame("quirks_by_reporter").dropna(subset=["quirk"])
quirks["share"] = quirks["reports"] / quirks["all_reports"]
if len(quirks):
    grid = quirks.pivot_table(index="submitter_domain", columns="quirk", values="share", aggfunc="sum").fillna(0)
    fig, ax = plt.subplots(figsize=(10, 1.4 + 0.34 * len(grid)))
    ax.imshow(grid, aspect="auto", cmap="Oranges", vmin=0, vmax=1.4)
    ax.set_yticks(range(len(grid)), grid.index)
    ax.set_xticks(range(grid.shape[1]), grid.columns, rotation=30, ha="right")
    for y, row in enumerate(grid.to_numpy()):
        for x, share in enumerate(row):
            if share:
                ax.text(x, y, f"{share:.0%}", ha="center", va="center", fontsize=8)
    ax.grid(visible=False)
    ax.set_title("Share of reports with each deviation")
    plt.show()

# %% [markdown]
# ## What each of them sees fail
#
# The same host fails for one and not for another: different senders check different things, speak to different addresses, and name
# failures differently.

# %%
flows = lake.frame("failures_by_reporter_and_mx")
failing = flows.pivot_table(index="submitter_domain", columns="result_type", values="mentions", aggfunc="sum").fillna(0)
if len(failing):
    ax = failing.loc[failing.sum(axis=1).sort_values().index].plot.barh(stacked=True, figsize=(10, 1.2 + 0.35 * len(failing)), width=0.75)
    ax.set_title("Failures mentioned, by reporter and result type")
    ax.set_ylabel("")
    ax.grid(visible=True, axis="x")
    ax.grid(visible=False, axis="y")
    ax.legend(loc="lower right")
    plt.show()

# %% [markdown]
# ## Who is not counted, and why

# %%
lake.frame("not_counted")

# %%
lake.frame("unknown_members_by_reporter")
