"""Commands on a terminal of eighty columns: what they print is in a transcript; nothing is cut, or wider but what is to be copied."""

from __future__ import annotations

import pytest

from tests.some import some
from tests.start_up.eighty_columns import COLUMNS, TRANSCRIPT, WIDTH_ALONE, transcript

COPIED = ("$ ", "-- ", "publish: ", "_25._tcp.")
"""Commands to be typed, records to be published, and the comments of a question's SQL."""
TYPED = (
    "openssl s_client -starttls smtp -connect mx1.example.org:25 -servername mx1.example.org </dev/null 2>/dev/null | openssl x509 -noout "
    "-subject -issuer -dates -ext subjectAltName",
    'publish: _smtp._tls.example.org. TXT "v=TLSRPTv1; rua=mailto:tls-reports@example.org"',
    f"_25._tcp.mx1.example.org. TLSA 3 1 1 {'ab' * 32}",
    "`tlsrpt check example.org --mx mx1.example.org mx3.example.org`",
    "systemctl daemon-reload && systemctl enable --now tlsrpt-notify.timer tlsrpt-check.timer tlsrpt-maintain.timer "
    "tlsrpt-dashboard.service",
    '_mta-sts.example.org. TXT "v=STSv1; id=20260324T000001;"',
)
"""What somebody types or copies from it."""


@pytest.fixture(scope="module")
def said():
    return transcript()


def test_the_transcript_is_what_is_printed(said):
    assert said.splitlines() == TRANSCRIPT.read_text(encoding="utf-8").splitlines(), (
        "read what changed, then `python -m tests.start_up.eighty_columns`"
    )


def test_nothing_is_cut_and_nothing_wider_than_the_terminal(said):
    said += transcript(WIDTH_ALONE)
    assert [line for line in some(said.splitlines()) if line.endswith("…") and not line.endswith("PATH…")] == []
    assert [line for line in said.splitlines() if len(line) > COLUMNS and not line.lstrip().startswith(COPIED)] == []


@pytest.mark.parametrize("line", TYPED, ids=lambda line: line[:24])
def test_what_is_to_be_typed_stands_on_one_line(said, line):
    assert any(line in one for one in said.splitlines())
