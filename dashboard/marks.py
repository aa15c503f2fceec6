"""Changes of what is published, as marks on the trends: a failure that began with a change is seen to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashboard.lake_door import ask

if TYPE_CHECKING:
    from dashboard.charts.days import Mark
    from dashboard.filters import Filters

_WORDS = {"policy_changed": "policy", "id_changed": "id", "tlsrpt_changed": "TLSRPT", "mx_changed": "MX", "tlsa_changed": "TLSA"}


def marks(filters: Filters) -> list[Mark]:
    """Return the days on which `tlsrpt check` saw something else published than before, with what changed in our own words."""
    changes = ask("published_changes", since=filters.since, until=filters.as_of, domain=filters.domain)
    by_day: dict[str, set[str]] = {}
    for row in changes.to_dict("records"):
        by_day.setdefault(str(row["changed_day"])[:10], set()).update(words for name, words in _WORDS.items() if row[name])
    return [(day, f"{', '.join(sorted(what))} changed") for day, what in sorted(by_day.items())]
