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
# # Capacity and cost of the lake
#
# How much comes in, how much it takes on disk, what a report costs, and what a question costs: enough to plan a year, or a provider's
# mailbox.

# %%
import time
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

from pipeline import open_lake

plt.style.use("report.mplstyle")

lake = open_lake()
lake

# %% [markdown]
# ## What comes in

# %%
mail = lake.frame("ingest_health")
daily = mail.groupby("received_day")[["messages", "size_bytes"]].sum()

fig, (left, right) = plt.subplots(1, 2)
left.bar(daily.index, daily["messages"], width=0.9)
left.set_title("Messages a day")
right.bar(daily.index, daily["size_bytes"] / 1e3, width=0.9)
right.set_title("kB of mail a day")
plt.show()
daily.describe().round(0)

# %%
lake.frame("ingest_runs", at_most=10)

# %% [markdown]
# ## What it takes on disk
#
# Per table and month: files, rows and bytes, from the snapshot that readers see (a lake in a folder; object storage tells sizes itself).

# %%
files = pd.DataFrame(
    [
        (table, entry.month, entry.rows, Path(entry.path).stat().st_size)
        for table, entries in lake.snapshot.files.items()
        for entry in entries
    ],
    columns=["table", "month", "rows", "bytes"],
)
tables = files.groupby("table").agg(files=("bytes", "count"), rows=("rows", "sum"), bytes=("bytes", "sum"))
tables["bytes per row"] = tables["bytes"] / tables["rows"]
tables.sort_values("bytes", ascending=False).round(0)

# %%
if len(files):
    months = files.pivot_table(index="month", columns="table", values="bytes", aggfunc="sum").fillna(0) / 1e3
    ax = months.plot.bar(stacked=True, rot=0)
    ax.set_title("kB on disk by month; raw is the mail itself, which `maintain` may drop by retention")
    ax.set_xlabel("")
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    plt.show()

# %% [markdown]
# ## A year of it, and a provider's mailbox
#
# Straight lines through what is there. Bytes per report shrink with larger files: small daily files carry more footer than rows.

# %%
reports = int(tables["rows"].get("reports", 0))
messages = int(tables["rows"].get("messages", 0))
days = max(1, len(daily))
without_raw = tables.drop(index="raw", errors="ignore")["bytes"].sum()
plan = pd.DataFrame(
    {
        "messages a day": [messages / days, 1_000, 100_000, 1_000_000],
        "rows of reports a year": [365 * reports / days] + [365 * n * reports / max(1, messages) for n in (1_000, 100_000, 1_000_000)],
    },
    index=["as it is", "1,000 a day", "100,000 a day", "1,000,000 a day"],
)
plan["GB a year, with the mail"] = plan["messages a day"] * 365 * tables["bytes"].sum() / max(1, messages) / 1e9
plan["GB a year, without"] = plan["messages a day"] * 365 * without_raw / max(1, messages) / 1e9
plan.round(2)

# %% [markdown]
# ## What a question costs
#
# Every named question that needs no parameters of its own, asked once, warm. The period prunes whole months, so that a question about
# ninety days costs the same in a lake of ten years.

# %%
taken = {}
for name, question in lake.questions.items():
    if all(not parameter.required or parameter.name in ("since", "until", "as_of") for parameter in question.parameters):
        began = time.perf_counter()
        lake.ask(name)
        taken[name] = 1000 * (time.perf_counter() - began)
slowest = pd.Series(taken).sort_values().tail(20)

fig, ax = plt.subplots(figsize=(10, 5.5))
ax.barh(slowest.index, slowest)
ax.set_title(f"Milliseconds, the slowest twenty of {len(taken)} questions")
ax.grid(visible=True, axis="x")
ax.grid(visible=False, axis="y")
plt.show()

# %% [markdown]
# ## Is it well kept?
#
# Many small files in a closed month are what `tlsrpt maintain` folds into one; `ingest` does so by itself when a month has gathered many.

# %%
per_month = files.groupby(["table", "month"]).agg(files=("bytes", "count"), smallest=("bytes", "min"), rows=("rows", "sum"))
per_month.sort_values("files", ascending=False).head(10)
