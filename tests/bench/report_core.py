"""The cost of the report core: microseconds per report, beside the floor that no program can go below, in one run.

* gz → rows against gunzip + orjson.loads alone: what any reader of gzipped JSON has to pay.
* .eml → rows against the standard library's MIME parser alone (policy compat32), which reads no report.

It prints ratios and asserts nothing: machines differ, ratios hardly.
"""

from __future__ import annotations

import base64
import email
import gzip
import random
import time
import timeit
import zlib
from datetime import UTC, datetime
from email.policy import compat32

import orjson

from pipeline.report.read import read_file, read_mail
from pipeline.report.rows import Ownership, RunStamp, build_rows
from pipeline.source import Fetched, MessageRef
from pipeline.verdict import VOUCHED
from tests.bench.figures import Figure, Pair

RECEIVED = datetime(2026, 5, 12, 16, tzinfo=UTC)
RUN = RunStamp("bench", RECEIVED, "bench")
POLICY = ["version: STSv1", "mode: enforce", "mx: mx1.example.com", "mx: mx2.example.com", "max_age: 604800"]
TYPES = ("certificate-expired", "starttls-not-supported", "validation-failure", "certificate-host-mismatch")


def report(policies: int, details: int, rng: random.Random) -> bytes:
    """Return a report document in the form Google sends, with this many policies and details per policy."""
    entries = []
    for n in range(policies):
        entry: dict[str, object] = {
            "policy": {"policy-type": "sts", "policy-string": POLICY, "policy-domain": f"d{n}.example.com", "mx-host": POLICY[2:3]},
            "summary": {"total-successful-session-count": rng.randrange(10_000), "total-failure-session-count": details},
        }
        if details:
            entry["failure-details"] = [detail(rng) for _ in range(details)]
        entries.append(entry)
    whole = {
        "organization-name": "Example Inc.",
        "date-range": {"start-datetime": "2026-05-11T00:00:00Z", "end-datetime": "2026-05-11T23:59:59Z"},
        "contact-info": "tls-reports@example.net",
        "report-id": f"2026-05-11T00:00:00Z_{rng.randrange(10**9)}",
        "policies": entries,
    }
    return orjson.dumps(whole).replace(b'"mx: mx1.example.com"]},"summary"', b'"mx1.example.com"]},"summary"')


def detail(rng: random.Random) -> dict[str, object]:
    """Return one failure detail, with one of a few thousand sending addresses."""
    return {
        "result-type": rng.choice(TYPES),
        "sending-mta-ip": f"192.0.2.{rng.randrange(256)}" if rng.random() < 0.5 else f"2001:db8::{rng.randrange(4096):x}",
        "receiving-mx-hostname": f"mx{rng.randrange(4)}.example.com",
        "receiving-ip": f"198.51.100.{rng.randrange(256)}",
        "failed-session-count": rng.randrange(1, 50),
    }


def mail(packed: bytes) -> bytes:
    """Return a report mail with the header fields that travel with one, about six kilobytes of them."""
    received = "".join(
        f"Received: from mx{n}.example.net (mx{n}.example.net [192.0.2.{n}])\r\n\tby mx.example.com with ESMTPS id {n:032x};\r\n"
        "\tTue, 12 May 2026 08:44:48 -0700 (PDT)\r\n"
        for n in range(12)
    )
    signature = (
        "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.net; s=s1;\r\n\tb=" + "\r\n\t ".join(["A" * 68] * 5) + "\r\n"
    )
    arc = "".join(f"X-Gateway-{n}: " + "x" * 200 + "\r\n" for n in range(12))
    text = (
        received + signature + arc + "From: tls-reports@example.net\r\nTo: rua@example.com\r\nDate: Tue, 12 May 2026 08:44:48 -0700\r\n"
        "Subject: Report Domain: example.com Submitter: example.net Report-ID: <2026.05.11@example.net>\r\n"
        "Message-ID: <a@example.net>\r\nTLS-Report-Domain: example.com\r\nTLS-Report-Submitter: example.net\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; boundary="b1"; report-type=tlsrpt\r\n\r\n--b1\r\nContent-Type: text/plain; charset="UTF-8"\r\n\r\n'
        'This is an aggregate TLS report.\r\n--b1\r\nContent-Type: application/tlsrpt+gzip; name="r.json.gz"\r\n'
        'Content-Disposition: attachment; filename="example.net!example.com!1!2!001.json.gz"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
    )
    return text.encode() + base64.encodebytes(packed).replace(b"\n", b"\r\n") + b"--b1--\r\n"


def rows_of_file(content: bytes) -> object:
    """Read one gzipped report into rows."""
    reading = read_file(content, name="r.json.gz", received_at=RECEIVED)
    fetched = Fetched(MessageRef("file", "."), content, RECEIVED, len(content), bare=True)
    return build_rows(fetched=fetched, reading=reading, verdicts=(VOUCHED,), own=Ownership(), run=RUN)


def rows_of_mail(content: bytes) -> object:
    """Read one report mail into rows."""
    reading = read_mail(content, received_at=RECEIVED)
    fetched = Fetched(MessageRef("rua", "INBOX", 1, 1), content, RECEIVED, len(content))
    return build_rows(fetched=fetched, reading=reading, verdicts=(VOUCHED,), own=Ownership(), run=RUN)


def microseconds(work: object, inputs: list[bytes]) -> float:
    """Return the best time per input, in µs, of five rounds."""
    number = max(1, 400_000 // sum(map(len, inputs)))
    timer = timeit.Timer(lambda: [work(content) for content in inputs], timer=time.process_time)
    best = min(timer.repeat(number=number, repeat=7))  # type: ignore[operator]
    return best / number / len(inputs) * 1e6


def main(*, full: bool) -> list[dict]:  # `full` measures the same: it is quick
    """Measure each kind of report."""
    rng = random.Random(8460)
    rows = []
    for title, policies, details, copies in (
        ("1 policy, no failure", 1, 0, 200),
        ("1 policy, 3 failure details", 1, 3, 200),
        ("10 policies, 5 details each", 10, 5, 50),
        ("1 policy, 2,000 details", 1, 2_000, 4),
        ("20 policies, 2,500 details each", 20, 2_500, 1),
    ):
        packed = [gzip.compress(report(policies, details, rng)) for _ in range(copies)]
        mails = [mail(content) for content in packed]
        floor = microseconds(lambda content: orjson.loads(zlib.decompress(content, 31)), packed)
        files = microseconds(rows_of_file, packed)
        parser = microseconds(lambda content: email.message_from_bytes(content, policy=compat32), mails)
        whole = microseconds(rows_of_mail, mails)
        rows.append(
            {
                "report": title,
                "floor_us": floor,
                "gz_to_rows_us": files,
                "of_floor": floor / files,
                "stdlib_us": parser,
                "eml_to_rows_us": whole,
                "times_stdlib": parser / whole,
            }
        )
    return rows


def figures(rows: list[dict]) -> list[Figure]:
    """What the table of all benchmarks says of this: the report that most mails carry, and one with thousands of failures."""
    found = []
    for title in ("1 policy, no failure", "1 policy, 2,000 details"):
        row = next(each for each in rows if each["report"] == title)
        pair = Pair({"us": row["gz_to_rows_us"]}, {"us": row["floor_us"]}, "us", "CPU µs/report")
        found.append(pair.figure(f"gzipped JSON → rows, {title}", "gunzip and `orjson.loads` alone", aim="0.5 ×"))
    return found
