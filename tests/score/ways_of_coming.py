"""Reports that come in another way than their sender's, or in other words: readers for the worlds of these kinds."""

from __future__ import annotations

import copy
from functools import cache
from typing import TYPE_CHECKING

from pipeline.demo.keyed_chance import dice
from pipeline.demo.mail import mail_of
from pipeline.demo.signing_keys import KeyRing
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


@cache
def _keys() -> KeyRing:
    return KeyRing()


def forwarded(report: WorldReport, own: Ownership) -> tuple[ReportRows, ...]:
    """Read a report that somebody forwarded as an attached mail (`message/rfc822`), with a note above it."""
    mail = mail_of(report, _keys()).content
    whole = (
        b"From: colleague@example.org\r\nTo: tls@example.org\r\nSubject: Fwd: report\r\nMIME-Version: 1.0\r\n"
        b'Content-Type: multipart/mixed; boundary="=_fwd"\r\n\r\n--=_fwd\r\nContent-Type: text/plain\r\n\r\nSee below.\r\n'
        b"--=_fwd\r\nContent-Type: message/rfc822\r\n\r\n" + mail + b"\r\n--=_fwd--\r\n"
    )
    return rows_of(report, own, whole)


READERS: dict[str, Callable[[WorldReport, Ownership], tuple[ReportRows, ...]]] = {"wordings": in_other_words, "forwarded": forwarded}
"""By kind of world; the others come as they were sent."""
