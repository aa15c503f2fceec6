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
# # Ready for enforce?
#
# Under `mode: testing` a session that does not meet the MTA-STS policy is delivered all the same, and reported. Under `enforce` it is
# refused (RFC 8461 §5). The reports of the last weeks say what `enforce` would have refused. This notebook does the arithmetic of `tlsrpt
# readiness` step by step, for the busiest domain that is not enforcing yet.

# %%
import math

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from pipeline import open_lake
from pipeline.insight.rate_bound import upper_bound

plt.style.use("report.mplstyle")
AUTHENTICATED, FAILED = "#0072B2", "#D55E00"

lake = open_lake()
lake.ground()

# %%
domains = list(lake.frame("sessions_by_domain")["report_domain"])
verdicts = {domain: lake.readiness(domain) for domain in domains[:50]}
pd.DataFrame(
    [
        (domain, one.verdict, one.sessions, one.would_refuse, one.upper_bound_95, len(one.reporters), one.days_covered, one.possible_from)
        for domain, one in verdicts.items()
    ],
    columns=["domain", "verdict", "sessions", "would refuse", "upper bound", "known reporters", "days", "possible from"],
).round(4)

# %% [markdown]
# Put a domain of your own here: `domain = "example.org"`.

# %%
open_questions = [name for name, one in verdicts.items() if one.verdict in ("ready", "not-ready", "not-enough-evidence")]
domain = next(iter(open_questions or domains), "example.org")
verdict = lake.readiness(domain)
verdict

# %% [markdown]
# ## Step 1: the days and senders that count
#
# Complete days only, and sessions under an `sts` policy of reporters that are known: anybody can have a domain, sign mail with it, and
# report a million good sessions.

# %%
shown = ["report_day", "submitter_domain", "sts_sessions", "would_refuse", "enforced", "switched_off", "unprotected", "rated", "is_loop"]
replay = pd.DataFrame(verdict.replay, columns=shown)
by_sender = replay.groupby("submitter_domain")[["sts_sessions", "would_refuse"]].sum().sort_values("sts_sessions", ascending=False)
by_sender

# %% [markdown]
# ## Step 2: the what-if
#
# Per policy row the smaller of its failure count and the sum of its details that `enforce` refuses. A policy that could not be fetched
# refuses nothing: there is nothing to enforce.

# %%
by_day = replay.assign(report_day=pd.to_datetime(replay["report_day"])).groupby("report_day")[["sts_sessions", "would_refuse"]].sum()

fig, ax = plt.subplots()
ax.bar(by_day.index, by_day["sts_sessions"] - by_day["would_refuse"], color=AUTHENTICATED, width=0.85, label="delivered")
ax.bar(
    by_day.index, by_day["would_refuse"], bottom=by_day["sts_sessions"] - by_day["would_refuse"], color=FAILED, width=0.85, label="refused"
)
ax.set_title(f"What enforce would have done to mail for {domain}, sessions a day")
ax.legend(loc="lower left", bbox_to_anchor=(0.75, 1.0), ncols=2)
plt.show()

# %% [markdown]
# ## Step 3: how high may the rate be?
#
# Seeing no failure in n sessions does not prove a rate of zero. At a rate p, all n succeed with probability (1 − p)ⁿ. The upper bound is
# the p at which so few failures would happen in one case of twenty (Clopper and Pearson, one-sided, 95%); with none of n that is about
# 3/n. It takes sessions as independent, which they are not quite: one bad night makes many.

# %%
n, refused = int(by_day["sts_sessions"].sum()), int(by_day["would_refuse"].sum())
bound = upper_bound(min(refused, n), n)
print(f"sessions n = {n:,}, would be refused x = {refused:,}")
print(f"rate x/n = {refused / n if n else math.nan:.4%}, upper bound = {bound:.4%}; as the verdict has it: {verdict.upper_bound_95:.4%}")
assert (n, refused) == (verdict.sessions, verdict.would_refuse)

# %% [markdown]
# The curve of chances: at which true rate would one still see as few failures as were seen? By the binomial sum, without the library of
# the program.


# %%
def chance(rate: float, failures: int, sessions: int) -> float:
    """Return the probability of that many failures or fewer."""
    k = np.arange(failures + 1)
    logs = [math.lgamma(sessions + 1) - math.lgamma(i + 1) - math.lgamma(sessions - i + 1) for i in k]
    return float(np.exp(np.array(logs) + k * math.log(rate) + (sessions - k) * math.log1p(-rate)).sum())


if n and bound < 1:
    rates = np.linspace(bound / 50, min(1.6 * bound, 0.999), 200)
    fig, ax = plt.subplots()
    ax.plot(100 * rates, [100 * chance(rate, refused, n) for rate in rates], color=AUTHENTICATED)
    ax.axhline(5, color="#888888", linewidth=1, linestyle=":")
    ax.axvline(100 * bound, color=FAILED, linewidth=1, linestyle="--")
    ax.annotate(f"upper bound {bound:.3%}", (100 * bound, 60), xytext=(6, 0), textcoords="offset points", color=FAILED)
    ax.set_title(f"Chance, in %, to see {refused:,} of {n:,} or fewer, by the true rate in %")
    plt.show()
    print(f"at the bound the chance is {chance(bound, refused, n):.4%}")

# %% [markdown]
# ## Step 4: how many sessions would be enough?
#
# With no failure at all, a bound of 1 % takes 299 sessions; each failure takes more.

# %%
sizes = np.unique(np.geomspace(50, 20_000, 60).astype(int))
fig, ax = plt.subplots()
for failures, colour in ((0, AUTHENTICATED), (1, "#56B4E9"), (5, "#E69F00"), (20, FAILED)):
    fit = sizes[sizes > failures]
    ax.plot(fit, [100 * upper_bound(failures, int(size)) for size in fit], color=colour, label=f"{failures} refused")
ax.axhline(1, color="#888888", linewidth=1, linestyle=":")
ax.set_xscale("log")
ax.set_yscale("log")
ax.set_title("Upper bound in %, by the number of sessions; 1 % is what is asked for")
ax.legend()
plt.show()

# %% [markdown]
# ## Step 5: the other conditions
#
# Enough days, two known reporters, no incident of ours open or just over, and the published policy held by all of them: a sender that
# still holds an old policy would enforce the old one.

# %%
for reason in verdict.reasons:
    print("–", reason)
print("\nVerdict:", verdict.verdict)
print("Next:", verdict.next_step)
