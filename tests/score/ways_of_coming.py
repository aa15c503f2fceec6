"""Reports that come in another way than their sender's, or in other words: readers for the worlds of these kinds."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from pipeline.demo.keyed_chance import dice
from pipeline.insight.wordings import WORDINGS
from tests.score.world_lake import rows_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.demo.world import WorldReport
    from pipeline.report.rows import Ownership
    from pipeline.tables.row_types import ReportRows

_CAUSES = {
    "certificate-expired": "mx-certificate-expired",
    "certificate-host-mismatch": "mx-certificate-name",
    "certificate-not-trusted": "mx-certificate-untrusted",
    "starttls-not-supported": "starttls-missing",
    "tlsa-invalid": "tlsa-mismatch",
    "dnssec-invalid": "dnssec-broken",
}


def in_other_words(report: WorldReport, own: Ownership) -> tuple[ReportRows, ...]:
    """Read a report that says `validation-failure` and the cause in the words of some library, another one each day."""
    document = copy.deepcopy(report.document)
    for number, element in enumerate(document["policies"]):
        for detail in element.get("failure-details") or element.get("failure_details") or ():
            cause = _CAUSES.get(detail["result-type"])
            if cause is not None and not detail.get("failure-reason-code"):
                witnesses = [wording.witness for wording in WORDINGS if wording.cause == cause]
                rng = dice("words", report.reporter, report.domain, report.report_day, number, cause)
                detail |= {"result-type": "validation-failure", "failure-reason-code": rng.choice(witnesses)}
    return rows_of(report._replace(document=document), own)


READERS: dict[str, Callable[[WorldReport, Ownership], tuple[ReportRows, ...]]] = {"wordings": in_other_words}
"""By kind of world; the others come as they were sent."""
