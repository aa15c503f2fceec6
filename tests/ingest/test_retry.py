"""What was quarantined is read once more after an update, or with wider limits."""

from __future__ import annotations

import json

from tests.ingest.polling import outcomes, sessions
from tests.report_mails import UNREADABLE, document, mail


def test_a_reject_that_can_be_read_now_is_stored_and_the_others_stay(tlsrpt, tmp_path):
    lake, folder = tmp_path / "lake", tmp_path / "in"
    folder.mkdir()
    (folder / "broken.eml").write_bytes(UNREADABLE)
    (folder / "fine.eml").write_bytes(mail(0))
    large = document(5)
    large["policies"] *= 3
    (folder / "large.json").write_text(json.dumps(large), encoding="utf-8")
    narrow = {"TLSRPT_LIMITS": json.dumps({"policies": 2})}
    assert tlsrpt.run("--lake", lake, "ingest", "--workers", "0", folder, **narrow).code == 0
    assert outcomes(lake) == {"stored": 1, "quarantined": 2}
    ran = tlsrpt.run("--lake", lake, "rejects", "retry", "--format", "json", **narrow)
    assert (ran.code, ran.summary) == (0, {"messages": 2, "stored": 0, "gone": 0}), ran.err
    ran = tlsrpt.run("--lake", lake, "rejects", "retry", "--format", "json")
    assert ran.summary == {"messages": 2, "stored": 1, "gone": 0}
    assert outcomes(lake) == {"stored": 2, "quarantined": 1}
    assert sessions(lake) == 1 + 3 * 6
    assert tlsrpt.run("--lake", lake, "rejects", "retry", "--format", "json").summary == {"messages": 1, "stored": 0, "gone": 0}
