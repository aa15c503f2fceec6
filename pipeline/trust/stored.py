"""The verdict that was stored with a message, for reading it again: keys rotate, so nothing is looked up a second time.

Only alignment is judged anew, because it depends on what the report says, and a newer parser may read a report that an older one did not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.trust.alignment import aligned, claimed_domain
from pipeline.verdict import Verdict

if TYPE_CHECKING:
    from pipeline.report.model import Reading
    from pipeline.row_types import MessageRow


def stored_verdicts(row: MessageRow, reading: Reading) -> tuple[Verdict, ...]:
    """Return one verdict per part of the reading, from what the ledger says about its message."""
    proved = row.trust_tier in {"verified", "attested"}
    kept = Verdict(
        row.trust_tier,
        row.auth_method,
        dkim_result=row.dkim_result,
        dkim_domain=row.dkim_domain,
        dkim_selector=row.dkim_selector,
        dkim_algorithm=row.dkim_algorithm,
        dkim_key_bits=row.dkim_key_bits,
        dkim_key_record=row.dkim_key_record,
        dkim_signed_headers=row.dkim_signed_headers,
        authserv_id=row.authserv_id,
        authenticated_domain=row.dkim_domain if proved else None,
    )
    strange = kept._replace(trust_tier="unaligned", authenticated_domain=None, dkim_signed_headers=())
    claims = (claimed_domain(part, reading.envelope) for part in reading.parts)
    return tuple(strange if proved and not aligned(kept.dkim_domain, claimed) else kept for claimed in claims)
