"""Every reject code is produced by what it names, and what is nobody's report is left alone."""

from __future__ import annotations

import base64
import gzip
import io
import zipfile

import pytest

from pipeline.report.limits import DEFAULT_LIMITS
from pipeline.report.quirks import REJECT_CODES
from pipeline.report.read import read_file, read_mail
from tests.report.samples import RECEIVED, TLSA, code_of, detail, mail, policy, read_document, read_only, report, rows_of, text_of, window

ELSEWHERE = {"timeout"}
"""Given by the worker process, not by the parser."""

PLAIN = text_of(report())
XML = b'<?xml version="1.0"?>\n<feedback><report_metadata/></feedback>'


def json_mail(text: bytes) -> bytes:
    return mail(text, media_type="application/tlsrpt+json", encoding="8bit")


def zip_of(*members: bytes, name: str = "r.json") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for n, member in enumerate(members):
            archive.writestr(f"{n}{name}", member)
    return file.getvalue()


def counts(success: str) -> bytes:
    return PLAIN.replace(b'"total-successful-session-count":10', b'"total-successful-session-count":' + success.encode())


def nested(depth: int) -> bytes:
    return PLAIN[:-1] + b',"x":' + b"[" * depth + b"]" * depth + b"}"


NAMELESS = report(policy(policy_type="tlsa", policy_string=[TLSA], policy_domain=..., mx_host=...))

CASES = {
    "not_tlsrpt": [b"", b"\r\n", b"\0\0\0", b"Subject: lunch\r\n\r\nAt one?\r\n"],
    "too_large_message": [mail() + b" " * DEFAULT_LIMITS.message_bytes],
    "mime_limits": [mail(parts=60), mail(headers=f"TLS-Report-Domain: example.com\r\nX: {'x' * 70}\r\n" + "X: y\r\n" * 60_000)],
    "mime_malformed": [
        mail(top="multipart/report; report-type=tlsrpt"),
        mail(top='multipart/report; report-type=tlsrpt; boundary="other"'),
    ],
    "no_report_part": [mail(parts=0), mail(b""), mail(gzip.compress(XML))],  # the last is a DMARC report in the clothes of a TLS report
    "too_many_reports": [mail(parts=5)],
    "base64_invalid": [mail().replace(b"H4sI", b"****"), mail().replace(b"H4sI", b"H4sI#").replace(b"=\r\n", b"\r\n")[:-40]],
    "gzip_corrupt": [mail(gzip.compress(PLAIN)[:-9]), mail(gzip.compress(PLAIN)[:40]), mail(gzip.compress(PLAIN)[:-5] + b"\0\0\0\0\0")],
    "gzip_too_large": [mail(gzip.compress(bytes(DEFAULT_LIMITS.json_bytes + 1)))],
    "gzip_multi_member": [mail(gzip.compress(PLAIN) * 2), mail(gzip.compress(PLAIN) + b"x")],
    "zip_refused": [
        mail(zip_of(PLAIN, PLAIN)),
        mail(zip_of(PLAIN)[:-30]),
        mail(b"PK\x03\x04"),
        mail(zip_of(PLAIN).replace(b"\x14\0\0\0\x08", b"\x14\0\0\0\x63")),
    ],
    "utf8_invalid": [
        json_mail(PLAIN.replace(b"Reporter", b"Rep\xff")),
        json_mail(PLAIN.replace(b"Reporter", b"\xed\xa0\x80")),
        mail(PLAIN.decode().encode("utf-16")),
        mail(PLAIN.decode().encode("utf-16-le")),
    ],
    "json_malformed": [
        json_mail(PLAIN[:-2]),
        json_mail(b"hello"),
        json_mail(PLAIN.replace(b":10,", b":010,")),
        json_mail(b"[" + PLAIN),
    ],
    "json_depth": [
        json_mail(nested(17)),
        json_mail(nested(5000)),
        json_mail(text_of(report(report_id=[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]))),
    ],
    "json_duplicate_key": [
        json_mail(PLAIN[:-1] + b',"report-id":"2"}'),
        json_mail(PLAIN[:-1] + b',"report-id" :"2"}'),
        json_mail(PLAIN[:-1] + b',"x":{"a":1,"a":2}}'),
        json_mail(PLAIN[:-1] + b',"report\\u002did"\n:"2"}'),
        json_mail(PLAIN[:-1] + b',"x":"a\\":","report-id" : "2"}'),
    ],
    "json_number": [
        json_mail(counts(n)) for n in ("NaN", "Infinity", "-Infinity", "1e309", "9" * 5000, str(2**53), str(2**64), '"9007199254740993"')
    ],
    "json_surrogate": [json_mail(PLAIN.replace(b"Reporter", b"\\ud800")), json_mail(PLAIN[:-1] + b',"x":["\\udc00"]}')],
    "schema_invalid": [
        *(json_mail(counts(n)) for n in ("-1", "1.5", "true", '"many"', "[1]", '"-1"', '""', '"1.0"')),
        json_mail(b"{}"),
        *(json_mail(text_of(report(**{name: ...}))) for name in ("policies", "date-range", "report-id")),
        json_mail(text_of(report(policies=[]))),
        json_mail(text_of(report(policies={}))),
        json_mail(text_of(report(policies=["x"]))),
        json_mail(text_of(report(report_id=7))),
        json_mail(text_of(report(organization_name=["x"]))),
        json_mail(text_of(report({"policy": policy()["policy"]}))),
        json_mail(text_of(report({"summary": policy()["summary"]}))),
        json_mail(text_of(report({**policy(), "summary": {}}))),
        json_mail(text_of(report({**policy(), "failure-details": {"a": 1}}))),
        json_mail(text_of(report({**policy(), "failure-details": "x"}))),
        *(json_mail(text_of(report(policy(**{name: 7})))) for name in ("policy-type", "policy-string", "policy-domain", "mx-host")),
        json_mail(text_of(report(policy(policy_string=["a", 1])))),
        *(
            json_mail(text_of(report(policy(details=[detail(**{name: [1]})]))))
            for name in (*detail(), "receiving-mx-helo", "additional-information", "failure-reason-code")
        ),
        json_mail(text_of(report(date_range={"start-datetime": 1, "end-datetime": 2}))),
        json_mail(text_of(report(date_range="2026-05-11"))),
    ],
    "limits_exceeded": [mail(report(*[policy()] * 1001)), mail(gzip.compress(b"{" + b'"a":{},' * 200_000 + b'"policies":[]}'))],
    "date_range": [
        mail(window(start, end))
        for start, end in (
            ("2026-05-11T23:59:59Z", "2026-05-11T00:00:00Z"),
            ("2026-05-11T00:00:00Z", "2026-05-11T00:00:00Z"),
            ("2015-12-31T00:00:00Z", "2015-12-31T23:59:59Z"),
            ("2026-03-11T00:00:00Z", "2026-05-11T00:00:00Z"),
            ("2026-05-20T00:00:00Z", "2026-05-20T23:59:59Z"),
            ("2026-13-01T00:00:00Z", "2026-13-01T23:59:59Z"),
            ("2026-W20-1", "2026-W20-2"),
            ("20260511T000000Z", "20260511T235959Z"),
            ("yesterday", "today"),
            ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"),
        )
    ],
    "report_domain_unknown": [mail(NAMELESS, headers="").replace(b"Report Domain: example.com", b"TLS report")],
}

FLAT = [(code, content) for code, contents in CASES.items() for content in contents]


def test_every_reject_code_has_a_case():
    assert set(CASES) | ELSEWHERE == set(REJECT_CODES)


@pytest.mark.parametrize(("code", "content"), FLAT, ids=[f"{code}-{n}" for n, (code, _) in enumerate(FLAT)])
def test_what_cannot_be_read_gets_its_code(code, content):
    message = rows_of(content).message
    assert message.reject_code == code, message.reject_detail
    assert message.outcome == {"not_tlsrpt": "not_tlsrpt", "too_large_message": "too_large"}.get(code, "quarantined")
    assert message.reject_detail
    assert message.report_keys == ()


NOT_OURS = {
    "a DMARC report": mail(gzip.compress(XML), media_type="application/gzip", top='multipart/mixed; boundary="=b"', headers=""),
    "a DMARC report in a zip": mail(
        zip_of(XML, name=".xml"), media_type="application/zip", top='multipart/mixed; boundary="=b"', headers=""
    ),
    "a photo": mail(
        b"\xff\xd8\xff\xe0" + bytes(range(256)) * 50, media_type="image/jpeg", top='multipart/mixed; boundary="=b"', headers=""
    ),
    "a broken gzip of anything": mail(
        gzip.compress(b"x" * 999)[:20], media_type="application/gzip", top='multipart/mixed; boundary="=b"', headers=""
    ),
    "a document, which is a zip of many": mail(
        zip_of(b"<a/>", b"<b/>"), media_type="application/zip", top='multipart/mixed; boundary="=b"', headers=""
    ),
    "JSON of something else": mail(b'{"report-id":1}', media_type="application/json", top='multipart/mixed; boundary="=b"', headers=""),
    "a multipart without end": b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhello",
    "a multipart without parts": b"Content-Type: multipart/mixed; boundary=b\r\n\r\nhello",
    "a private mail of sixty photos": b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    + b"--b\r\nContent-Type: image/png\r\n\r\nx\r\n" * 60,
}


@pytest.mark.parametrize("content", NOT_OURS.values(), ids=NOT_OURS)
def test_what_is_nobodys_report_is_left_alone(content):
    assert read_mail(content, received_at=RECEIVED).rejected.code == "not_tlsrpt"


FILES = {
    "nothing": b"",
    "text": b"hello",
    "XML": XML,
    "XML in gzip": gzip.compress(XML),
    "XML in zip": zip_of(XML),
    "an object": b"{}",
    "JSON of something else": b'{"report-id": 1, "name": "x"}',
    "a list": b"[1]",
    "a broken gzip": gzip.compress(XML)[:30],
    "a gzip bomb of nothing": gzip.compress(bytes(30_000_000)),
}


@pytest.mark.parametrize("content", FILES.values(), ids=FILES)
def test_a_file_that_is_no_report_is_not_quarantined(content):
    reading = read_file(content, name="x", received_at=RECEIVED)
    assert (reading.parts, reading.rejected.code) == ((), "not_tlsrpt")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (PLAIN[:-3], "json_malformed"),
        (gzip.compress(PLAIN)[:-9], "gzip_corrupt"),
        (gzip.compress(PLAIN + b" " * DEFAULT_LIMITS.json_bytes), "gzip_too_large"),
        (zip_of(PLAIN, PLAIN), "zip_refused"),
        (PLAIN + b" " * DEFAULT_LIMITS.json_bytes, "too_large_message"),
    ],
)
def test_a_file_that_looks_like_a_report_and_cannot_be_read_gets_its_code(content, code):
    reading = read_file(content, name="x", received_at=RECEIVED)
    assert code_of(reading.parts[0].result if reading.parts else reading.rejected) == code


def test_a_report_among_other_parts_is_found_whatever_the_mail_calls_itself():
    content = mail(media_type="application/octet-stream", top='multipart/mixed; boundary="=b"', headers="")
    assert code_of(read_only(content)) == "stored"
    content = mail(PLAIN, media_type="text/plain", encoding="8bit", top='multipart/mixed; boundary="=b"', headers="")
    assert code_of(read_only(content)) == "stored"


def test_a_whole_message_may_be_the_report():
    for encoding, body in (
        ("base64", base64.b64encode(gzip.compress(PLAIN))),
        ("8bit", PLAIN),
        ("quoted-printable", PLAIN.replace(b"=", b"=3D")),
    ):
        content = f"Content-Type: application/tlsrpt+gzip\nContent-Transfer-Encoding: {encoding}\n\n".encode() + body
        assert code_of(read_only(content)) == "stored"


def test_a_good_and_a_bad_report_in_one_mail_are_both_told():
    content = mail(parts=2)
    at = content.rindex(b"H4sI") + 60
    rows = rows_of(content[:at] + b"AAAA" + content[at + 4 :])
    assert rows.message.outcome == "stored"
    assert rows.message.reject_code == "gzip_corrupt"
    assert len(rows.reports) == 1


def test_the_same_report_twice_in_one_mail_is_one_report():
    rows = rows_of(mail(parts=2))
    assert (rows.message.outcome, len(rows.reports), len(rows.message.report_keys)) == ("stored", 1, 1)


def test_every_reject_code_is_explained_in_a_sentence():
    for code, sentence in REJECT_CODES.items():
        assert code == code.lower()
        assert len(sentence) > 20


def test_a_report_is_never_stored_in_part():
    document = report(policy(), policy(bad=1, details=[detail(), detail(failed_session_count=-1)]))
    assert code_of(read_document(document)) == "schema_invalid"
