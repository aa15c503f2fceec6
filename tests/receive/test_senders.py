"""A sender's own program, tlsrpt-reporter of sys4, posts and mails the report of a day; and what meant to harm is posted."""

from __future__ import annotations

import base64
import email
import json
import shlex
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
from tlsrpt_reporter import tlsrpt as sys4

from tests.hostile.corpus import MIB, TRICKS
from tests.ingest.conftest import tlsrpt  # noqa: F401
from tests.lake.content import counted, rows
from tests.receive.receivers import GZIP, JSON, MAIL, TOKEN, receiver
from tests.report_mails import document

DOMAIN = "example.org"


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with receiver(tmp_path_factory.mktemp("senders"), per_minute=0) as one:
        yield one


@pytest.fixture
def ingest(tlsrpt, running, tmp_path):  # noqa: F811
    def run():
        (tmp_path / "tlsrpt.toml").write_text(
            f'[receive]\nspool = "{running.spool.folder}"\n[trust]\ncount = ["posted", "unverified"]\nunknown_submitter_per_day = 0\n'
            'resolver = "127.0.0.1:9"\ndns_timeout = 0.2\n'
        )
        ran = tlsrpt.run("--config", tmp_path / "tlsrpt.toml", "--lake", tmp_path / "lake", "ingest", "--format", "json", "--workers", "1")
        assert ran.code == 0, ran.err
        return ran.summary

    return run


def reportd(running):
    """Its daemon of reports, with what it needs to send one, and no database."""
    authority = f"{Path(running.spool.folder).parent}/ca.pem"
    any_disk = "import sys; from pipeline import spool; spool.FULL_PERCENT = 100; "
    pipe = f"{any_disk}from pipeline.cli import main; sys.exit(main(['pipe', '--spool', {running.spool.folder!r}]))"
    daemon = object.__new__(sys4.TLSRPTReportd)
    daemon.cfg = SimpleNamespace(
        organization_name="Reporter Inc.",
        contact_info="tls@reporter.example",
        sender_address="tls@reporter.example",
        compression_level=-1,
        debug_send_file_dest="",
        debug_send_mail_dest="",
        debug_send_http_dest="",
        http_script=f"{sys4.options_reportd['http_script']['default']} --cacert {shlex.quote(authority)}",
        http_timeout=100,
        sendmail_script=f"{shlex.quote(sys.executable)} -c {shlex.quote(pipe)}",
        sendmail_timeout=100,
    )
    return daemon


@pytest.mark.parametrize("ways", [("https", "mailto"), ("mailto", "https")])
def test_the_report_of_a_day_that_is_posted_and_mailed_counts_once(running, ingest, tmp_path, ways):
    addresses = {"https": f"https://127.0.0.1:{running.port}/v1/tlsrpt", "mailto": "mailto:tls@example.org"}
    daemon = reportd(running)
    report = json.dumps(document(4, domain=DOMAIN))
    for way in ways:
        sent = daemon.send_out_report("2026-03-05", DOMAIN, 1, 1, addresses[way], report)
        assert sent is sys4.DeliveryResult.SUCCEEDED
        ingest()
    by_tier = {row["trust_tier"]: row["report_key"] for row in rows(tmp_path / "lake", "reports")}
    assert set(by_tier) == {"posted", "unverified"}
    assert counted(tmp_path / "lake") == {by_tier["unverified"]}
    assert running.contents() == []


def test_what_means_to_harm_is_answered_and_ends_like_by_mail(running, ingest, tmp_path):
    """Its bodies as reports and its mails as mails: an answer each, none of the server's own faults, and one run reads what was kept."""
    with ThreadPoolExecutor(8) as senders:  # the disk syncs for many at a time
        answers = dict(zip((trick.name for trick in TRICKS), senders.map(partial(harm, running), TRICKS), strict=True))
    assert {status for each in answers.values() for status in each} <= {201, 413, 422, 400}, answers
    assert running.ask("GET", "/health").status == 200
    told = ingest()
    assert told["messages"] > len(TRICKS) // 2
    assert running.contents() == []


def harm(running, trick):
    """Post a trick in each of its shapes; return what was answered."""
    whole = trick.mail()
    if len(whole) > 15 * MIB:  # the connection is closed before all of it has come
        with suppress(OSError):
            assert running.post(whole, MAIL, Authorization=f"Bearer {TOKEN}").status == 413
        return []
    answers = [running.post(whole, MAIL, Authorization=f"Bearer {TOKEN}").status]
    if len(whole) < 200_000:
        answers += [running.post(body, media).status for body in bodies(whole) for media in (GZIP, JSON)]
    return answers


def bodies(whole):
    """What a mail carries, as a sender over HTTPS would post it."""
    try:
        parts = list(email.message_from_bytes(whole).walk())[:4]
    except (ValueError, RecursionError, LookupError):
        return
    for part in parts:
        text = part.get_payload()
        if isinstance(text, str) and "base64" in str(part.get("Content-Transfer-Encoding", "")):
            try:
                yield base64.b64decode(text)
            except ValueError:
                continue
        elif isinstance(text, str):
            yield text.encode("utf-8", "surrogateescape")
