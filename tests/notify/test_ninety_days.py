"""The transcript of a quarter of a year: what is committed is what is sent, each message once, and a quiet world hears the digest alone."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from pipeline.insight.detect.causes import CAUSES
from tests.notify.ninety_days import TRANSCRIPT, transcript

_MOST_A_WEEK = 7


@pytest.fixture(scope="module")
def weeks() -> list[str]:
    return re.split(r"(?m)^==== (?=Week to )", TRANSCRIPT.read_text(encoding="utf-8"))[1:]


def test_every_message_is_sent_once_and_no_week_has_too_many(weeks):
    keys = Counter(re.findall(r"\(notice ([0-9a-f]{32})\)", "".join(weeks)))
    assert len(weeks) == 13
    assert set(keys.values()) == {1}
    for week in weeks:
        said = int(re.match(r"Week to \S+: (\d+) message", week).group(1))
        assert said == len(re.findall(r"\(notice ", week)) <= _MOST_A_WEEK
        assert week.count("\nDigest\n") == 1


def test_every_cause_is_told_when_it_begins_and_when_it_is_over(weeks):
    told = "".join(weeks)
    for code, cause in CAUSES.items():
        if code in {"unknown", "ingest-silent"}:
            continue
        title = f"{cause.title[:1].upper()}{cause.title[1:]}"
        for kind in ("NEW", "OVER"):
            assert f"\n{kind}: {title}" in told, (kind, code)


def test_whatever_else_there_is_to_tell_is_told(weeks):
    told = "".join(weeks)
    for words in (
        "NEW: Mailbox rua cannot be read",
        "STILL: Mailbox rua still cannot be read",
        "OVER: Mailbox rua is read again",
        "NEW: mail.ru has stopped reporting",
        "OVER: mail.ru reports again",
        "AHEAD: The certificate of mail.harbour.example expires on",
        "AHEAD: A DANE roll-over ahead",
        "CHANGED: What harbour.example publishes has changed",
        "is now ready for enforce",
        "is no longer ready for enforce",
        "\nMuted\n",
    ):
        assert words in told, words
    assert "google.com has stopped" not in told, "nobody read the mail"


def test_a_quiet_week_has_its_digest_and_nothing_else():
    told = transcript(7, quiet=True, domains=2)
    assert told.count("(notice ") == told.count("SUMMARY: no open fault") == 1
    assert told.count("No open fault on your side.") == 1


@pytest.mark.soak
def test_the_transcript_is_what_is_sent():
    assert transcript() == TRANSCRIPT.read_text(encoding="utf-8")


@pytest.mark.soak
def test_a_quiet_quarter_has_its_digests_and_when_domains_become_ready():
    told = transcript(quiet=True)
    kinds = Counter(re.findall(r"(?m)^(NEW|WORSE|STILL|OVER|CHANGED|AHEAD|SUMMARY): ", told))
    assert set(kinds) <= {"SUMMARY", "CHANGED"}
    assert not re.search(r"no longer ready", told)
    assert told.count("\nDigest\n") == 13
