"""A mailbox full of mail meant to harm: one run takes it in, accounts for every message, and still finds the honest ones."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from tests.hostile.corpus import STORED, TRICKS
from tests.ingest.conftest import tlsrpt  # noqa: F401
from tests.ingest.polling import setup
from tests.lake.content import rows
from tests.mailbox.conftest import server, user  # noqa: F401
from tests.trust.conftest import _server, keys  # noqa: F401
from tests.trust.signing import RECEIVED, report_json, report_mail, rsa_key, sign

pytestmark = pytest.mark.dovecot

OUTCOME_OF = {STORED: "stored", "not_tlsrpt": "not_tlsrpt", "too_large_message": "too_large"}


def test_a_mailbox_full_of_tricks_is_taken_in_by_one_run(tlsrpt, server, user, keys, tmp_path):  # noqa: F811
    tricks = [(trick, mail) for trick in TRICKS if len(mail := trick.mail()) < 2_000_000 or trick.code == "too_large_message"]
    for number, (_, mail) in enumerate(tricks):
        server.deliver(user.name, mail, received_at=RECEIVED)
        if number % 20 == 0:
            honest = sign(report_mail(report_json(report_id=f"honest-{number}")), rsa_key("s1"))
            server.deliver(user.name, honest, received_at=RECEIVED)
    trust = f"[trust]\nresolver = {json.dumps(keys.address)}\ndns_timeout = 0.5\nunknown_submitter_per_day = 0\n"
    box = setup(tmp_path, server, user, more=trust)
    argv = [word if word != "0" else "2" for word in box.argv()]
    ran = tlsrpt.run(*argv)
    assert ran.code == 0, ran.err
    ledger = rows(box.lake, "messages")
    honest = [row for row in ledger if row["trust_tier"] == "verified"]
    assert len(honest) == (len(tricks) + 19) // 20
    assert len(ledger) == len(tricks) + len(honest) == ran.summary["messages"]
    wanted = Counter(OUTCOME_OF.get(trick.code, "quarantined") for trick, _ in tricks)
    found = Counter("stored" if row["outcome"] in {"conflict", "duplicate"} else row["outcome"] for row in ledger)
    assert found == wanted + Counter(stored=len(honest))
    assert tlsrpt.run(*argv).summary["messages"] == 0
