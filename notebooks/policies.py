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
# # Policy roll-outs and stale caches
#
# A sender fetches an MTA-STS policy, keeps it for `max_age`, and looks for a new one when the `id` in DNS changes (RFC 8461 §3.3). The
# reports say which policy each sender applied on which day: whether a roll-out arrived, who still holds the old text, and for how long at
# most.

# %%
import matplotlib.pyplot as plt
import pandas as pd

from pipeline import open_lake
from pipeline.query.notebook_html import Incidents

plt.style.use("report.mplstyle")
PUBLISHED, OLD = "#0072B2", "#E69F00"

lake = open_lake()
lake.ground()

# %%
seen = lake.frame("policies_seen")
seen[seen["policy_type"] == "sts"][
    ["report_domain", "sts_mode", "sts_max_age_seconds", "mx_patterns", "first_day", "last_day", "reporters", "sessions"]
]

# %% [markdown]
# The domain with the most texts is the one that was changed. Put one of your own here: `domain = "example.org"`.

# %%
texts = seen[seen["policy_type"] == "sts"].groupby("report_domain")["policy_hash"].nunique().sort_values(ascending=False)
domain = texts.index[0] if len(texts) else "example.org"
policies = lake.policies_seen(domain)
policies

# %%
for change in policies.changes:
    print(change.day, "–", "; ".join(change.what) or "another text", "(unexpected)" if change.is_unexpected else "")

# %% [markdown]
# ## Who applied which text, when

# %%
held = sorted(policies.held, key=lambda one: (one.first_day, one.reporter))
if held:
    names = sorted({one.reporter for one in held}, reverse=True)
    fig, ax = plt.subplots(figsize=(10, 1.0 + 0.42 * len(names)))
    for one in held:
        first, last = pd.Timestamp(one.first_day), pd.Timestamp(one.last_day) + pd.Timedelta(days=1)
        colour = PUBLISHED if one.is_published else OLD
        shift = 0.17 if one.is_published else -0.17
        ax.barh(names.index(one.reporter) + shift, last - first, left=first, height=0.3, color=colour)
    for change in policies.changes:
        ax.axvline(pd.Timestamp(change.day), color="#444444", linewidth=1, linestyle="--")
    limits = [one.held_until for one in held if one.held_until]
    if limits:
        ax.axvline(pd.Timestamp(max(limits)), color="#D55E00", linewidth=1, linestyle=":")
        ax.annotate(
            "old text held\nuntil here at most",
            (pd.Timestamp(max(limits)), len(names) - 0.4),
            xytext=(4, -8),
            textcoords="offset points",
            fontsize=8,
        )
    ax.set_yticks(range(len(names)), names)
    ax.grid(visible=True, axis="x")
    ax.grid(visible=False, axis="y")
    ax.set_title(f"{domain}: the published policy (blue) and older ones (orange), by sender")
    plt.show()

# %% [markdown]
# ## How long did the roll-out take?
#
# Days from the change to the first report of each sender with the new text. A sender that looks at the `id` once a day takes one or two;
# one that waits for `max_age` takes that long.

# %%
if policies.changes:
    change = policies.changes[-1]
    arrival = pd.Series(
        {one.reporter: (one.first_day - change.day).days for one in held if one.policy_hash == change.policy_hash}
    ).sort_values()
    fig, ax = plt.subplots(figsize=(10, 0.9 + 0.32 * len(arrival)))
    ax.barh(arrival.index, arrival + 0.08, color=PUBLISHED)
    ax.set_title(f"Days from the first sight of the new text ({change.day}) to each sender's")
    ax.grid(visible=True, axis="x")
    ax.grid(visible=False, axis="y")
    plt.show()

# %% [markdown]
# ## What did the old text cost?
#
# A sender with an old policy refuses a new MX host that the old text does not name.

# %%
Incidents(one for one in lake.incidents(domain=domain) if one.cause in ("policy-stale", "mx-not-in-policy"))

# %%
failures = lake.frame("failures_by_mx", domain=domain)
failures

# %% [markdown]
# ## Is somebody stale now?

# %%
for one in policies.stale:
    print(f"{one.reporter}: last seen {one.last_day}, may hold it until {one.held_until}")
if not policies.stale:
    print("Every sender's latest text is the published one.")
