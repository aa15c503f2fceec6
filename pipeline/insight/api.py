"""What other rooms call of the insight: what fails, may one enforce, which policies were applied, who reports. Pure over `ask`.

```python
from pipeline import open_lake
from pipeline.insight.api import find_incidents

with open_lake() as lake:
    for incident in find_incidents(lake.ask, as_of=date.today(), settings=settings.insight, known=known):
        print(incident.domain, incident.title, incident.fix)
```
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from pipeline.insight.applied_policies import PoliciesSeen, PublishedPolicy, checked_policy, read_policies
from pipeline.insight.checked_policies import published_policies
from pipeline.insight.coverage import Coverage, coverage
from pipeline.insight.enforce.readiness import Readiness, assess
from pipeline.insight.faults import with_fault_ids, with_id
from pipeline.insight.incident import Incident
from pipeline.insight.incidents import find
from pipeline.insight.known_reporters import read_known
from pipeline.insight.many_domains import MANY, at_once
from pipeline.insight.period import period_of
from pipeline.insight.proving_reports import with_evidence
from pipeline.insight.second_opinion import with_opinions

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from pipeline.insight.ask import Ask
    from pipeline.insight.thresholds import InsightSettings

__all__ = [
    "Coverage",
    "Incident",
    "PoliciesSeen",
    "PublishedPolicy",
    "Readiness",
    "checked_policy",
    "coverage",
    "find_incident",
    "find_incidents",
    "policies_seen",
    "published_policies",
    "readiness",
    "verdicts",
]


def find_incidents(
    ask: Ask,
    *,
    as_of: date,
    settings: InsightSettings,
    known: Collection[str],
    days: int | None = None,
    domain: str | None = None,
    published: Mapping[str, PublishedPolicy] | None = None,
    evidence: int | None = 0,
    most: int | None = None,
) -> list[Incident]:
    """Return the incidents of the period, newest first.

    Args:
        ask: Answers the named questions, as `Lake.ask` does.
        as_of: The day of asking (UTC). Days complete two days later; later ones are excluded from verdicts.
        settings: Every threshold.
        known: Reporters known by name: the shipped list and the configuration.
        days: Complete days to look at; the configured ones where it is not given. Incidents are followed back beyond them.
        domain: One domain only; None: all.
        published: The policies now published, by domain; they tell a stale policy from a wrong one. None: as the last checks found them.
        evidence: How many report keys to give each, newest first; None: all; 0: none, which saves a question.
        most: No more than so many, the newest; of a lake with thousands of incidents that takes much less time. None: all.
    """
    if published is None:
        published = published_policies(ask, as_of=as_of)
    found = find(
        ask, as_of=as_of, days=days or settings.days, settings=settings, known=known, domain=domain, published=published, most=most
    )
    found = with_fault_ids(with_opinions(ask, found, as_of=as_of))
    return found if evidence == 0 else with_evidence(ask, found, limit=evidence)


def find_incident(
    ask: Ask,
    wanted: str,
    *,
    as_of: date,
    settings: InsightSettings,
    known: Collection[str],
    days: int | None = None,
    evidence: int | None = 20,
) -> Incident | None:
    """Return one incident by its id or that of its fault, also by the id it had before later reports came; None where there is none.

    Args:
        ask: Answers the named questions.
        wanted: The id of the incident or of its fault, or a beginning that only one has; in any case of letters.
        as_of: The day of asking (UTC).
        settings: Every threshold.
        known: Reporters known by name: the shipped list and the configuration.
        days: Complete days to look at; the configured ones where it is not given.
        evidence: How many report keys to give it, newest first; None: all; 0: none.

    Raises:
        UsageError: Several begin so.
    """
    found = with_id(find_incidents(ask, as_of=as_of, settings=settings, known=known, days=days), wanted)
    return None if found is None else with_evidence(ask, [found], limit=evidence)[0]


def readiness(
    ask: Ask,
    domain: str,
    *,
    as_of: date,
    settings: InsightSettings,
    known: Collection[str],
    published: PublishedPolicy | None = None,
    incidents: Iterable[Incident] | None = None,
) -> Readiness:
    """Return the verdict on a domain.

    Args:
        ask: Answers the named questions.
        domain: As a lower-case A-label.
        as_of: The day of asking (UTC).
        settings: Every threshold.
        known: Reporters known by name.
        published: The policy now published; None: as last checked, or else as most senders applied it lately.
        incidents: All that `find_incidents` returns for `settings.readiness_days`, where it was asked already: it saves most of the time.
    """
    published = published or published_policies(ask, as_of=as_of).get(domain)
    return assess(ask, domain, as_of=as_of, settings=settings, known=known, published=published, incidents=incidents)


def verdicts(
    ask: Ask,
    domains: Collection[str],
    *,
    as_of: date,
    settings: InsightSettings,
    known: Collection[str],
    incidents: Iterable[Incident] | None,
) -> dict[str, Readiness]:
    """Return the verdicts on some domains, by domain. Many cost hardly more than one.

    Args:
        ask: Answers the named questions.
        domains: The domains, as lower-case A-labels.
        as_of: The day of asking (UTC).
        settings: Every threshold.
        known: Reporters known by name.
        incidents: What `find_incidents` returns for `settings.readiness_days`, whole, of these domains at least; None: they are looked for.
    """
    asking = at_once(ask, domains) if len(domains) > MANY else ask
    period = period_of(as_of, settings.readiness_days, settings)
    reporters = read_known(asking, since=period.since, until=period.until, listed=known, settings=settings)
    published = published_policies(asking, as_of=as_of)
    of: dict[str, list[Incident]] | None = None if incidents is None else {}
    for incident in incidents or ():
        if of is not None:
            of.setdefault(incident.domain, []).append(incident)

    def weigh(domain: str) -> Readiness:
        given = None if of is None else of.get(domain, [])
        return assess(
            asking,
            domain,
            as_of=as_of,
            settings=settings,
            known=known,
            published=published.get(domain),
            incidents=given,
            reporters=reporters,
        )

    return {domain: weigh(domain) for domain in domains}


def policies_seen(
    ask: Ask, domain: str, *, as_of: date, settings: InsightSettings, days: int | None = None, published: PublishedPolicy | None = None
) -> PoliciesSeen:
    """Return which policies senders applied to a domain, who holds an old one, and what changed.

    Args:
        ask: Answers the named questions.
        domain: As a lower-case A-label.
        as_of: The day of asking (UTC).
        settings: `days` and `settling_days`.
        days: Complete days to look at; the configured ones where it is not given.
        published: The policy now published; None: as last checked, or else as most senders applied it lately.
    """
    published = published or published_policies(ask, as_of=as_of).get(domain)
    period = period_of(as_of, days or settings.days, settings)
    return read_policies(ask, domain, since=period.since, until=period.until, published=published)
