"""What a live check says of an incident, as a value."""

from __future__ import annotations

from datetime import date
from typing import Literal, NamedTuple

from pipeline.insight.phrases import sentence_start


class Opinion(NamedTuple):
    """What the last checks say of an incident."""

    state: Literal["still-there", "fixed", "not-visible", "not-checked"]
    day: date | None
    """The day of the last check; of `fixed`: of the first that did not find it any more."""
    says: str
    """In words, beginning in lower case."""

    @property
    def sentence(self) -> str:
        """The same as a sentence of its own, without the full stop."""
        return sentence_start(self.says)
