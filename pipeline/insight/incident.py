"""An incident as it is told: a frozen value, its name, and its JSON."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from pipeline.insight.advice.advice_facts import Facts
from pipeline.insight.advice.explanations import explain
from pipeline.insight.attribution import compare
from pipeline.insight.detect.causes import CAUSES
from pipeline.insight.disputed import said_of
from pipeline.insight.failed_share import Unrated, said_of_share, share_of
from pipeline.insight.phrases import sentence_start
from pipeline.output.markup import Html, html_table, joined, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipeline.insight.attribution import Fault, Standing
    from pipeline.insight.detect.failure_runs import Run
    from pipeline.insight.live_opinion import Opinion

State = Literal["open", "resolved", "unconfirmed"]


class Basis(NamedTuple):
    """What an incident rests on."""

    run: Run
    standing: Standing
    has_known: bool
    """Whether one of the senders that failed is a known reporter."""
    patterns: tuple[str, ...]
    """mx patterns of the policy most of them applied."""
    max_age_days: int | None
    disputed: int = 0
    """Reports behind it that have several contents, one of which may be forged."""
    mode: str | None = None
    """Of the policy most of them applied."""
    unrated: Unrated = Unrated()


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """A run of failures with one cause and one scope, and all that is said about it. Days are UTC, both ends inclusive."""

    id: str
    domain: str
    cause: str
    fault: Fault
    state: State
    """open; resolved: the senders it hit had sessions since, and no such failure; unconfirmed: they had none that could show it."""
    mx_hosts: tuple[str, ...]
    node: str | None
    """The one receiving address at fault, where it is one of several."""
    reporters: tuple[str, ...]
    """Most failed sessions first."""
    first_day: date
    last_day: date
    failed_sessions: int
    sessions: int
    """Sessions of those reporters from the first to the last day."""
    basis: Basis
    """What all this rests on."""
    report_keys: tuple[str, ...] = ()
    report_count: int = 0
    """Reports that prove it in all; report_keys may hold the newest of them only."""
    last_check: Opinion | None = None
    """What the last live checks say of it, where it is ours and not over."""
    certificates: tuple[str, ...] = ()
    """SHA-256 of the certificates at fault, as the checks saw them: hosts that show the same one have one fault."""
    fault_id: str = ""
    """12 hex digits that all incidents of one fault share, whatever their domain (`pipeline.insight.faults`)."""

    @property
    def title(self) -> str:
        """The cause in a few words."""
        return CAUSES[self.cause].title

    @property
    def blocking(self) -> bool:
        """Whether it is ours, by the word of a known reporter: then it stands in the way of `enforce`."""
        return self.fault == "ours"

    @property
    def went(self) -> str:
        """What became of its sessions: the counts are called failed, and of protection that was lost nothing failed."""
        return "found no policy" if self.cause == "policy-lost" else "failed"

    @property
    def share(self) -> float | None:
        """Failed sessions by sessions, of reporters that report good days, too; None where there are no others."""
        return share_of((self,))

    @property
    def share_said(self) -> str:
        """The share in words."""
        return said_of_share(self.share, self.unrated)

    @property
    def unrated(self) -> Unrated:
        """What reporters told of it that report only on days with failures."""
        return self.basis.unrated

    @property
    def failures_only(self) -> tuple[str, ...]:
        """Those of its reporters that report only on days with failures."""
        return self.basis.unrated.reporters

    @property
    def result_types(self) -> tuple[str, ...]:
        """As sent, most mentioned first; an empty text: the sender counted failures and detailed none."""
        return self.basis.run.most_first("result_type")

    @property
    def policy_types(self) -> tuple[str, ...]:
        """The policy types under which sessions failed."""
        return tuple(sorted(self.basis.run.policy_types))

    @property
    def reasons(self) -> tuple[str, ...]:
        """Failure reason codes as sent, most mentioned first."""
        return self.basis.run.most_first("reason")

    @property
    def receiving_ips(self) -> tuple[str, ...]:
        """The receiving addresses named."""
        return self.basis.run.addresses

    @property
    def comparison(self) -> str:
        """What the senders were seen to do, with the numbers that decided the fault."""
        said = compare(self.basis.run, self.basis.standing, node=self.node, fault=self.fault, has_known=self.basis.has_known)
        return f"{said} {sentence_start(said_of(self.disputed_reports))}." if self.disputed_reports else said

    @property
    def disputed_reports(self) -> int:
        """How many of the reports behind it have several contents, one of which may be forged."""
        return self.basis.disputed

    @property
    def facts(self) -> Facts:
        """What its texts are filled with."""
        return Facts(
            cause=self.cause,
            domain=self.domain,
            hosts=self.mx_hosts,
            node=self.node,
            reporters=self.reporters,
            result_types=self.result_types,
            reasons=self.reasons,
            patterns=self.basis.patterns,
            max_age_days=self.basis.max_age_days,
            first_day=self.first_day,
            last_day=self.last_day,
            state=self.state,
            fault=self.fault,
            policy_types=self.policy_types,
            mode=self.basis.mode,
        )

    @property
    def component(self) -> str:
        """The part at fault."""
        return CAUSES[self.cause].component

    @property
    def meaning(self) -> str:
        """What it means, in plain words."""
        return explain(self.facts).meaning

    @property
    def fix(self) -> str:
        """What to do; of a fault that is fixed as far as the checks see: to wait, and what to do if that does not help."""
        fix = explain(self.facts).fix
        if self.last_check is None or self.last_check.state != "fixed":
            return fix
        return f"Wait for the reports about the days since {self.last_check.day}. If they still show the fault: {fix}"

    @property
    def commands(self) -> tuple[str, ...]:
        """What shows the fault from outside; safe to paste into a shell."""
        return explain(self.facts).commands

    @property
    def rfc(self) -> str:
        """Where the standard speaks of it."""
        return CAUSES[self.cause].rfc

    def with_evidence(self, keys: Sequence[str], in_all: int) -> Incident:
        """Return the incident with the reports that prove it."""
        return replace(self, report_keys=tuple(keys), report_count=in_all)

    def _repr_html_(self) -> str:
        return incident_html(self)


def incident_id(domain: str, cause: str, hosts: Iterable[str], first_day: date) -> str:
    """Return 12 hex digits that name an incident by domain, cause, hosts (`*` for none) and first day.

    Args:
        domain: As a lower-case A-label.
        cause: A key of `pipeline.insight.detect.causes.CAUSES`.
        hosts: The MX hosts that failed, in any order.
        first_day: The first day with a failure, UTC.
    """
    where = ",".join(sorted(hosts)) or "*"
    return hashlib.sha256(f"{domain}\0{cause}\0{where}\0{first_day.isoformat()}".encode()).hexdigest()[:12]


PROMISED = (
    "id",
    "domain",
    "cause",
    "fault",
    "state",
    "result_types",
    "mx_hosts",
    "receiving_ips",
    "reporters",
    "first_day",
    "last_day",
    "failed_sessions",
    "share",
    "comparison",
    "meaning",
    "fix",
    "report_keys",
)
"""Members of the JSON that others may rely on, in their order."""
_OTHERS = (
    "title",
    "fault_id",
    "blocking",
    "component",
    "node",
    "policy_types",
    "reasons",
    "sessions",
    "commands",
    "rfc",
    "report_count",
    "disputed_reports",
    "failures_only",
    "last_check",
)


def as_json(incident: Incident) -> dict[str, Any]:
    """Return the incident as `incidents --format json` prints it: the promised members first, in their order, then the others."""
    return {name: _plain(getattr(incident, name)) for name in (*PROMISED, *_OTHERS)}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {name: _plain(each) for name, each in value._asdict().items()}
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, date):
        return value.isoformat()
    return round(value, 6) if isinstance(value, float) else value


def incident_html(incident: Incident) -> str:
    """Return all that is said of an incident, but for the reports that prove it."""
    until = "" if incident.state == "open" else f" to {incident.last_day}"
    facts = [
        ("state", f"{incident.state}, fault: {incident.fault}{', blocks enforce' if incident.blocking else ''}"),
        ("days", f"{'since ' if incident.state == 'open' else ''}{incident.first_day}{until}"),
        ("sessions", f"{incident.failed_sessions:,} of {incident.sessions:,} {incident.went} ({incident.share_said})"),
        ("MX hosts", joined(incident.mx_hosts)),
        ("addresses", joined(incident.receiving_ips) + (f" (only {incident.node})" if incident.node else "")),
        ("senders", joined(incident.reporters)),
        ("results", joined(name or "no details" for name in incident.result_types)),
        ("reasons", joined(incident.reasons)),
        ("what it means", f"{incident.meaning} ({incident.rfc})"),
        ("what to do", _with_commands(incident.fix, incident.commands)),
        ("why this verdict", incident.comparison),
        *([("the last check", incident.last_check.says)] if incident.last_check else []),
    ]
    caption = f"<b>{text(incident.domain)}: {text(incident.title)}</b> – incident {text(incident.id)}"
    return html_table(caption, ("", ""), facts)


def _with_commands(fix: str, commands: Sequence[str]) -> Html:
    return Html(text(fix) + "".join(f"<br><code>{text(command)}</code>" for command in commands))
