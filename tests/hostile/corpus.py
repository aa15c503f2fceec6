"""Mail meant to harm, made in code, with the code each must get.

None of it is a sample of anybody's mail. A mail is made when it is asked for: some are fifteen megabytes.
"""

from __future__ import annotations

import base64
import gzip
import json
import struct
import zlib
from collections.abc import Callable
from typing import NamedTuple

from tests.trust.signing import report_json, report_mail, rsa_key, sign

MIB = 1024 * 1024
STORED = "stored"
"""Harmless once read with care: stored, with what was odd as quirks."""


class Trick(NamedTuple):
    """One mail, and what it must come to."""

    name: str
    mail: Callable[[], bytes]
    code: str
    """The reject code; `stored` where the report is read."""
    quirk: str | None = None
    """A quirk the stored report must carry."""
    seconds: float = 2.0
    """Most processor time of the worker; most tricks take some milliseconds."""
    mib: int = 200
    """Most memory above that of an idle worker."""


def _part(body: bytes, *, media: str = "application/tlsrpt+gzip", encoding: str = "base64", head: str = "") -> bytes:
    """A mail of one part, which is the report."""
    encoded = base64.encodebytes(body) if encoding == "base64" else body
    top = f"From: a@reporter.example\r\n{head}Content-Type: {media}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    return top.encode() + encoded


def _gz(text: bytes) -> bytes:
    return _part(gzip.compress(text, mtime=0))


def _json(text: bytes) -> bytes:
    return _part(text, media="application/tlsrpt+json", encoding="8bit")


def _report(**changes: object) -> dict:
    report = json.loads(report_json())
    report.update(changes)
    return report


def _window(start: object, end: object) -> bytes:
    return _gz(json.dumps(_report(**{"date-range": {"start-datetime": start, "end-datetime": end}})).encode())


def _policy(**changes: object) -> bytes:
    report = _report()
    report["policies"][0].update(changes)
    return _gz(json.dumps(report).encode())


def _inner(**changes: object) -> bytes:
    report = _report()
    report["policies"][0]["policy"].update(changes)
    return _gz(json.dumps(report).encode())


def _counts(text: str) -> bytes:
    return _gz(report_json().replace(b'"total-failure-session-count": 0', f'"total-failure-session-count": {text}'.encode()))


# A compressed bomb (RFC 8460 §7): the inflated size is bounded, whatever the compressed one is.


def _zeros(size: int) -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    return b"".join([packer.compress(b"{" + bytes(MIB)), *(packer.compress(bytes(MIB)) for _ in range(size - 1)), packer.flush()])


def _empty_objects(count: int) -> bytes:
    return _gz(b'{"organization-name":"x","report-id":"y","policies":[' + b"{}," * count + b"{}]}")


def _many_members() -> bytes:
    return _part(gzip.compress(report_json()) + gzip.compress(b"") * 200_000)


def _gzip_in_gzip() -> bytes:
    inner = report_json()
    for _ in range(8):
        inner = gzip.compress(inner)
    return _part(inner)


COMPRESSED = [
    Trick("60 MB of zeros in a gzip", lambda: _part(_zeros(60)), "gzip_too_large"),
    Trick("millions of empty objects in a gzip", lambda: _empty_objects(6_000_000), "limits_exceeded", seconds=1.0),
    Trick(
        "millions of empty arrays in a gzip",
        lambda: _gz(b'{"report-id":"x","policies":[' + b"[]," * 6_000_000 + b"[]]}"),
        "limits_exceeded",
        seconds=1.0,
    ),
    Trick("as many objects as the limit lets through", lambda: _empty_objects(119_000), "limits_exceeded"),
    Trick(
        "as many values as the limit lets through",
        lambda: _gz(b'{"report-id":"x","policies":[' + b"0," * 1_499_000 + b"0]}"),
        "limits_exceeded",
    ),
    Trick("two gzip members, each a report", lambda: _part(gzip.compress(report_json()) * 2), "gzip_multi_member"),
    Trick("a gzip member followed by text", lambda: _part(gzip.compress(report_json()) + b"{}"), "gzip_multi_member"),
    Trick("two hundred thousand gzip members", _many_members, "gzip_multi_member"),
    Trick("a gzip cut off", lambda: _part(gzip.compress(report_json())[:-20]), "gzip_corrupt"),
    Trick("a gzip with a wrong checksum", lambda: _part(gzip.compress(report_json())[:-8] + bytes(8)), "gzip_corrupt"),
    Trick(
        "a gzip with a name of a megabyte",
        lambda: _part(b"\x1f\x8b\x08\x08" + bytes(6) + b"a" * MIB + b"\0" + zlib.compress(report_json())[2:-4]),
        "gzip_corrupt",
    ),
    Trick("a gzip in a gzip in a gzip", _gzip_in_gzip, "utf8_invalid"),
    Trick("NUL bytes after the gzip", lambda: _part(gzip.compress(report_json()) + bytes(1000)), STORED, "trailing_nul"),
]


# Zip archives: what the directory says about sizes is the sender's word.


def _zip(
    members: list[tuple[bytes, bytes]], *, flags: int = 0, method: int = 8, claimed: int | None = None, overlap: bool = False
) -> bytes:
    body, directory = b"", b""
    for name, text in members:
        packed = zlib.compress(text, 9)[2:-4] if method == 8 else text
        at = 0 if overlap else len(body)
        sizes = (zlib.crc32(text), len(packed), len(text) if claimed is None else claimed)
        head = struct.pack("<HHHHHIIIHH", 20, flags, method, 0, 0, *sizes, len(name), 0)
        if not overlap or not body:
            body += b"PK\x03\x04" + head + name + packed
        directory += b"PK\x01\x02" + struct.pack("<H", 20) + head + struct.pack("<HHHII", 0, 0, 0, 0, at) + name
    end = struct.pack("<HHHHIIH", 0, 0, len(members), len(members), len(directory), len(body), 0)
    return _part(body + directory + b"PK\x05\x06" + end, media="application/zip", head="TLS-Report-Domain: rcpt.example\r\n")


ZIPPED = [
    Trick("a zip with one report", lambda: _zip([(b"r.json", report_json())]), STORED, "zip_container"),
    Trick("a zip bomb that says it is small", lambda: _zip([(b"r.json", b"{" + b" " * 60 * MIB)], claimed=100), "zip_refused"),
    Trick("a zip with two members", lambda: _zip([(b"a.json", report_json()), (b"b.json", report_json())]), "zip_refused"),
    Trick("a zip with thousands of members over one", lambda: _zip([(b"a", report_json())] * 5000, overlap=True), "zip_refused"),
    Trick("an encrypted zip", lambda: _zip([(b"r.json", report_json())], flags=1), "zip_refused"),
    Trick("a zip packed with something exotic", lambda: _zip([(b"r.json", report_json())], method=93), "zip_refused"),
    Trick("a zip whose member has a path", lambda: _zip([(b"../../../etc/cron.d/x", report_json())]), STORED, "zip_container"),
    Trick("a zip without directory", lambda: _part(b"PK\x03\x04" + bytes(100), media="application/tlsrpt+zip"), "zip_refused"),
    Trick(
        "a zip that is all directory ends",
        lambda: _part(b"PK\x03\x04" + b"PK\x05\x06" * MIB, media="application/tlsrpt+zip"),
        "zip_refused",
    ),
]


# JSON that breaks parsers, or that two parsers read in two ways (RFC 7493).

JSON = [
    Trick("arrays five thousand deep", lambda: _json(b'{"report-id":' + b"[" * 5000 + b"]" * 5000 + b"}"), "json_depth"),
    Trick("arrays a hundred thousand deep and never closed", lambda: _json(b'{"report-id":' + b"[" * 100_000), "json_depth"),
    Trick("objects seventeen deep", lambda: _json(b'{"a":' * 17 + b"1" + b"}" * 17), "json_depth"),
    Trick("brackets in a string", lambda: _gz(report_json(report_id="[{" * 200)), STORED),
    Trick("NaN", lambda: _counts("NaN"), "json_number"),
    Trick("Infinity", lambda: _counts("-Infinity"), "json_number"),
    Trick("1e309", lambda: _counts("1e309"), "json_number"),
    Trick("a number of five thousand digits", lambda: _counts("9" * 5000), "json_number"),
    Trick("a number of a million digits", lambda: _counts("9" * 1_000_000), "json_number"),
    Trick("a number beyond 2^53", lambda: _counts(str(2**53)), "json_number"),
    Trick("a negative count", lambda: _counts("-1"), "schema_invalid"),
    Trick("half a session", lambda: _counts("1.5"), "schema_invalid"),
    Trick("a count that is true", lambda: _counts("true"), "schema_invalid"),
    Trick("a member twice", lambda: _gz(report_json().replace(b'"report-id"', b'"report-id": "a", "report-id"')), "json_duplicate_key"),
    Trick(
        "a member twice, once escaped",
        lambda: _gz(report_json().replace(b'"report-id"', b'"report-i\\u0064": "a", "report-id"')),
        "json_duplicate_key",
    ),
    Trick("half a surrogate pair", lambda: _gz(report_json().replace(b'"Reporter"', b'"\\ud800"')), "json_surrogate"),
    Trick("half a surrogate pair in bytes", lambda: _gz(report_json().replace(b'"Reporter"', b'"\xed\xa0\x80"')), "utf8_invalid"),
    Trick("bytes that are not UTF-8", lambda: _gz(report_json().replace(b'"Reporter"', b'"\xff"')), "utf8_invalid"),
    Trick("UTF-16", lambda: _json(report_json().decode().encode("utf-16")), "utf8_invalid"),
    Trick("a NUL in a string", lambda: _gz(report_json().replace(b'"Reporter"', b'"a\\u0000b"')), STORED, "control_chars"),
    Trick("a byte order mark", lambda: _gz(b"\xef\xbb\xbf" + report_json()), STORED, "bom"),
    Trick(
        "an array at the top",
        lambda: _part(b"[" + report_json() + b"]", media="application/tlsrpt+json", encoding="8bit"),
        "stored",
    ),
    Trick("twenty megabytes of blanks", lambda: _gz(report_json()[:-1] + b" " * (19 * MIB)), "json_malformed"),
    Trick("twenty megabytes of backslashes", lambda: _gz(b'{"report-id":"' + b"\\" * (19 * MIB)), "json_malformed"),
    Trick("twenty megabytes of quotes", lambda: _gz(b'{"report-id":' + b'"' * (19 * MIB)), "json_malformed", seconds=3),
    Trick(
        "a string of nineteen megabytes",
        lambda: _gz(report_json().replace(b'"Reporter"', b'"' + b"x" * (19 * MIB) + b'"')),
        STORED,
        "truncated",
    ),
    Trick(
        "a hundred thousand unknown members",
        lambda: _gz(json.dumps(_report(**{f"m{n}": n for n in range(100_000)})).encode()),
        STORED,
        "unknown_key",
    ),
]


# MIME structures and headers that cost a parser its time (RFC 2045, RFC 2047, RFC 2231).


def _many_parts(count: int) -> bytes:
    top = b'From: a@b.example\r\nTLS-Report-Domain: rcpt.example\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n'
    return top + b"--b\r\n\r\nx\r\n" * count + b"--b--\r\n"


def _nested_multiparts(depth: int) -> bytes:
    head = b"From: a@b.example\r\nTLS-Report-Domain: rcpt.example\r\n"
    levels = [f'Content-Type: multipart/mixed; boundary="b{n}"\r\n\r\n--b{n}\r\n'.encode() for n in range(depth)]
    return head + b"".join(levels) + b"\r\nx"


def _nested_messages(depth: int) -> bytes:
    return b"From: a@b.example\r\n" + b"Content-Type: message/rfc822\r\n\r\n" * depth + b"\r\nx"


def _header(line: str) -> bytes:
    return report_mail(extra_headers=line + "\r\n")


def _subject(text: str) -> bytes:
    return report_mail().replace(b"Subject: Report", b"Subject: " + text.encode() + b" Report", 1)


MIME = [
    Trick("a hundred thousand parts", lambda: _many_parts(100_000), "mime_limits"),
    Trick("fifty-one parts", lambda: _many_parts(51), "mime_limits"),
    Trick("multiparts a thousand deep", lambda: _nested_multiparts(1000), "mime_limits"),
    Trick("messages in messages two thousand deep", lambda: _nested_messages(2000), "not_tlsrpt"),
    Trick("two hundred thousand header fields", lambda: _header("\r\n".join(["X-A: b"] * 200_000)), "mime_limits"),
    Trick("a thousand and more header fields", lambda: _header("\r\n".join(["X-A: b"] * 1500)), STORED),
    Trick("a header field of a megabyte", lambda: _header("X-A: " + "b" * MIB), "mime_limits"),
    Trick("a Subject of a hundred kilobytes", lambda: _subject("x" * 100_000), "mime_limits"),
    Trick("a Subject of two hundred kilobytes in short lines", lambda: _subject("x\r\n " * 50_000), "mime_limits"),
    Trick("a Subject of hundreds of encoded words", lambda: _subject("=?utf-8?q?x?= " * 900), STORED),
    Trick("a Subject in Punycode", lambda: _subject("=?punycode?q?" + "a" * 15_000 + "-" + "b" * 500 + "?="), STORED),
    Trick("a Subject in a charset that runs code elsewhere", lambda: _subject("=?unicode_escape?q?=5CN{BELL}=5Cu202e?="), STORED),
    Trick("a Subject in base64 that is none", lambda: _subject("=?utf-8?b?////=====?= =?zlib_codec?b?eA==?="), STORED),
    Trick(
        "comments three thousand deep in From",
        lambda: _header("").replace(b"noreply@reporter.example", b"(" * 3000 + b"a@b.example" + b")" * 3000),
        STORED,
    ),
    Trick("addresses by the thousand in From", lambda: _header("").replace(b"noreply@reporter.example", b"a@b.example," * 1200), STORED),
    Trick(
        "three thousand continuations of a name",
        lambda: report_mail().replace(
            b'attachment; filename="', b"attachment;" + b"".join(b" name*%d*=a;" % n for n in range(1100)) + b' filename="'
        ),
        STORED,
    ),
    Trick(
        "a date far away",
        lambda: report_mail().replace(b"Wed, 13 May 2026 15:42:00 +0000", b"Wed, 13 May 99999999999 15:42:00 +9999999999"),
        STORED,
    ),
    Trick("a boundary of twelve kilobytes", lambda: report_mail().replace(b"=b", b"=" + b"b" * 12_000), STORED),
    Trick("a boundary that is empty", lambda: report_mail().replace(b'boundary="=b"', b'boundary=""'), "mime_malformed"),
    Trick("a boundary that never comes", lambda: report_mail().replace(b'boundary="=b"', b'boundary="c"'), "mime_malformed"),
    Trick(
        "fourteen megabytes of lines that may be boundaries",
        lambda: report_mail().replace(b"--=b--", b"--=bx\r\n" * (2 * MIB - 200_000)),
        "mime_limits",
    ),
    Trick("fourteen megabytes of dashes", lambda: report_mail() + b"-" * (14 * MIB), STORED),
    Trick("fourteen megabytes of line ends", lambda: report_mail() + b"\r\n" * (7 * MIB), STORED),
    Trick("no line end at all", lambda: b"x" * (14 * MIB), "not_tlsrpt"),
    Trick("no header at all", lambda: b"\r\n" + report_mail(), "not_tlsrpt"),
    Trick("carriage returns alone", lambda: report_mail().replace(b"\n", b""), "not_tlsrpt"),
    Trick("NUL bytes all over", lambda: bytes(14 * MIB), "not_tlsrpt"),
    Trick("nothing", lambda: b"", "not_tlsrpt"),
    Trick("base64 that is junk", lambda: _part(b"", head="").replace(b"\r\n\r\n", b"\r\n\r\n" + b"?!*" * 1000), "base64_invalid"),
    Trick("ten megabytes of base64 padding", lambda: _part(b"") + b"=" * (10 * MIB), "base64_invalid"),
    Trick(
        "ten megabytes of quoted-printable",
        lambda: _part(b"=" * (10 * MIB), media="application/tlsrpt+json", encoding="quoted-printable"),
        "json_malformed",
    ),
    Trick("five reports in one mail", lambda: _many_reports(5), "too_many_reports"),
    Trick(
        "a name that leads out of the folder", lambda: report_mail().replace(b'filename="', b'filename="../../../../etc/cron.d/'), STORED
    ),
    Trick("a message over the limit", lambda: report_mail() + b"x" * (16 * MIB), "too_large_message"),
]


def _many_reports(count: int) -> bytes:
    top, _, rest = report_mail().partition(b"--=b\r\nContent-Type: application")
    part, _, end = rest.partition(b"--=b--")
    parts = b"".join(b"--=b\r\nContent-Type: application" + part for _ in range(count))
    return top + parts + b"--=b--" + end


# More of everything than a report has (RFC 8460 §4.4): the whole report is refused, never a prefix of it stored.


def _details(count: int) -> bytes:
    detail = {"result-type": "certificate-expired", "failed-session-count": 1, "receiving-ip": "192.0.2.1"}
    return _policy(**{"failure-details": [detail] * count})


AMOUNTS = [
    Trick("fifty thousand failure details", lambda: _details(50_000), STORED, seconds=5, mib=400),
    Trick("fifty thousand failure details and one", lambda: _details(50_001), "limits_exceeded"),
    Trick(
        "a thousand policies and one", lambda: _gz(json.dumps(_report(policies=_report()["policies"] * 1001)).encode()), "limits_exceeded"
    ),
    Trick("five hundred policy lines and one", lambda: _inner(**{"policy-string": ["mx: a"] * 501}), "limits_exceeded"),
    Trick("policy lines of a megabyte", lambda: _inner(**{"policy-string": ["x" * MIB]}), "limits_exceeded"),
    Trick("five hundred MX hosts and one", lambda: _inner(**{"mx-host": ["mx.rcpt.example"] * 501}), "limits_exceeded"),
    Trick("a report id of a megabyte", lambda: _gz(report_json(report_id="x" * MIB)), STORED, "truncated"),
    Trick("a domain of a megabyte", lambda: _gz(report_json(domain="x" * MIB)), "report_domain_unknown"),
    Trick(
        "line breaks and bidirectional controls in a report id",
        lambda: _gz(report_json(report_id="a\r\nX: y\u202e\u0007")),
        STORED,
        "control_chars",
    ),
]


# Dates that overflow, or that put a report where nobody looks (RFC 3339).

DAY = "2026-05-12T00:00:00Z"
DATES = [
    Trick(f"a period from {start} to {end}", lambda start=start, end=end: _window(start, end), code)
    for start, end, code in [
        (DAY, DAY, "date_range"),
        (DAY, "2026-05-11T00:00:00Z", "date_range"),
        ("0001-01-01T00:00:00Z", DAY, "date_range"),
        ("0000-01-01T00:00:00Z", DAY, "date_range"),
        (DAY, "9999-12-31T23:59:59Z", "date_range"),
        (DAY, "9999-12-31T23:59:59-23:59", "date_range"),
        ("0001-01-01T00:00:00+23:59", DAY, "date_range"),
        (DAY, "99999-12-31T23:59:59Z", "date_range"),
        (DAY, "2026-05-12T24:61:61Z", "date_range"),
        (DAY, "2026-05-13T00:00:00+99:99", "date_range"),
        ("2015-12-31T00:00:00Z", "2016-01-01T00:00:00Z", "date_range"),
        ("2026-03-01T00:00:00Z", "2026-05-12T00:00:00Z", "date_range"),
        ("2026-06-12T00:00:00Z", "2026-06-13T00:00:00Z", "date_range"),
        (DAY, "2026-W20-3", "date_range"),
        (DAY, "", "date_range"),
        (DAY, None, "schema_invalid"),
        (1778544000, 1778630399, "schema_invalid"),
        (DAY, "2026-05-12T00:00:00" + "0" * 100_000 + "Z", "date_range"),
        (DAY, "٢٠٢٦-٠٥-١٣T00:00:00Z", "date_range"),
    ]
]


# Signatures that cost their verifier time, or that make it ask what a stranger wants to be asked (RFC 6376 §8).


def _signed_body(junk: bytes, form: str) -> bytes:
    return sign(report_mail() + junk, rsa_key("s1"), form=f"relaxed/{form}")


def _signature(value: str) -> bytes:
    return b"DKIM-Signature: " + value.encode() + b"\r\n" + report_mail()


_TAGS = "v=1; a=rsa-sha256; c=relaxed/relaxed; d=reporter.example; s=s1; h=from; bh=AAAA; b=AAAA"

SIGNATURES = [
    Trick("a body of ten megabytes of spaces under a signature", lambda: _signature(_TAGS) + b" " * (10 * MIB), STORED),
    Trick("a body of spaces before each line end", lambda: _signature(_TAGS) + (b" " * 5000 + b"x\r\n") * 2000, STORED),
    Trick("a body of ten megabytes of line ends under a signature", lambda: _signature(_TAGS) + b"\r\n" * (5 * MIB), STORED),
    Trick(
        "a body of bare line feeds under a signature",
        lambda: _signature(_TAGS.replace("relaxed/relaxed", "simple/simple")) + b"\n" * (10 * MIB),
        STORED,
    ),
    Trick("a thousand signatures", lambda: (b"DKIM-Signature: " + _TAGS.encode() + b"\r\n") * 1000 + report_mail(), STORED),
    Trick("a signature over three thousand names", lambda: _signature(_TAGS.replace("h=from", "h=from" + ":a" * 3000)), STORED),
    Trick("a signature of blanks", lambda: _signature(_TAGS.replace("b=AAAA", "b=" + " \r\n " * 3000 + "!")), STORED),
    Trick("a signature of fifteen kilobytes of semicolons", lambda: _signature(_TAGS + ";" * 15_000), STORED),
    Trick("a signature that expires in a million digits", lambda: _signature(_TAGS + "; x=" + "9" * 7000), STORED),
    Trick("a signature of no domain", lambda: _signature(_TAGS.replace("d=reporter.example", "d=")), STORED),
    Trick("a signature with a name that is not a name", lambda: _signature(_TAGS.replace("s=s1", "s=../../x y")), STORED),
    Trick("a signature with control characters", lambda: _signature(_TAGS.replace("s=s1", "s=s\x00\x1b[31m1")), STORED),
    Trick("a signature in a header that begins with a continuation", lambda: b" x\r\n" + _signature(_TAGS), STORED),
    Trick(
        "results of a hundred kilobytes",
        lambda: b"Authentication-Results: mx.rcpt.example; " + b"(" * 15_000 + b"\r\n" + report_mail(),
        STORED,
    ),
    Trick(
        "results of quotes and backslashes",
        lambda: b'Authentication-Results: mx.rcpt.example; x="' + b"\\\\" * 7500 + b"\r\n" + report_mail(),
        STORED,
    ),
]

TRICKS = [*COMPRESSED, *ZIPPED, *JSON, *MIME, *AMOUNTS, *DATES, *SIGNATURES]
