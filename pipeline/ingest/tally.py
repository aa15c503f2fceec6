"""What a run did, counted; it adds up over outcomes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipeline import log
from pipeline.insight.phrases import count_of
from pipeline.stages import Stages

if TYPE_CHECKING:
    from collections.abc import Iterable

_COUNTED_AS = {
    "stored": "stored",
    "conflict": "conflicts",
    "quarantined": "quarantined",
    "duplicate": "duplicates",
    "not_tlsrpt": "not_tlsrpt",
    "too_large": "too_large",
    "expired": "duplicates",  # it was here, and is not to come back
    "erased": "duplicates",
}


@dataclass(slots=True)
class Tally:
    """The counts of one run, in messages unless the name says otherwise."""

    messages: int = 0
    """Looked at in this run: the sum of the outcomes below."""
    reports_new: int = 0
    """Reports, not messages: a mail may carry several."""
    stored: int = 0
    duplicates: int = 0
    conflicts: int = 0
    quarantined: int = 0
    not_tlsrpt: int = 0
    too_large: int = 0
    skipped: int = 0
    """Files that are neither mail nor report."""
    pending: int = 0
    """Stored, but unproved until the DNS answers."""
    deferred: int = 0
    """Left in the mailbox for a later run: an unknown submitter sent more than its share today."""
    mailboxes_failed: int = 0
    exit_codes: list[int] = field(default_factory=list)
    stages: Stages = field(default_factory=Stages, compare=False)

    def add(self, outcomes: Iterable[str], *, reports_new: int = 0) -> None:
        """Count the outcomes of settled messages."""
        for outcome in outcomes:
            name = _COUNTED_AS[outcome]
            setattr(self, name, getattr(self, name) + 1)
            self.messages += 1
        self.reports_new += reports_new

    def as_dict(self, seconds: float) -> dict[str, int | float]:
        """Return the counts of the run."""
        names = ("messages", "reports_new", "duplicates", "conflicts", "quarantined", "not_tlsrpt", "too_large", "skipped")
        counts = {name: getattr(self, name) for name in (*names, "pending", "deferred", "mailboxes_failed")}
        return {**counts, "seconds": round(seconds, 3)}

    def summary(self, seconds: float) -> dict[str, Any]:
        """Return the summary that `ingest --format json` prints."""
        return {**self.as_dict(seconds), "stages": self.stages.as_dict()}

    def log(self, run_id: str, seconds: float) -> None:
        """Say how the run ended, and on request where its time went."""
        log.info("run-done", run=run_id, **self.as_dict(seconds))
        for name, counts in self.stages.as_dict().items():
            log.debug("stage-done", stage=name, **counts)

    def sentence(self, seconds: float) -> str:
        """Return the summary as one line for a person; what is zero is not mentioned."""
        parts = [
            (self.reports_new, "new report", "new reports"),
            (self.duplicates, "duplicate", "duplicates"),
            (self.quarantined, "quarantined (see `tlsrpt rejects`)", "quarantined (see `tlsrpt rejects`)"),
            (self.not_tlsrpt, "other mail", "other mails"),
            (self.too_large, "too large", "too large"),
            (self.skipped, "other file skipped", "other files skipped"),
            (self.pending, "waiting for the DNS", "waiting for the DNS"),
            (self.deferred, "left for a later run", "left for a later run"),
            (self.mailboxes_failed, "mailbox failed", "mailboxes failed"),
        ]
        told = [count_of(count, one, many) for count, one, many in parts if count]
        head = count_of(self.messages, "message") if self.messages else "nothing new"
        # Their reports are among the new ones: beside the other numbers, the sum would be wrong.
        against = (
            f"; {self.conflicts:,} of the mails contradict{'s' if self.conflicts == 1 else ''} an earlier report" if self.conflicts else ""
        )
        return f"{head}{': ' if told else ''}{', '.join(told)}{against} · {seconds:.1f} s"
