"""A coverage-guided fuzzer of everything a sender can reach, run by hand: `python -m tests.soak.fuzz_report -max_total_time=3600 FOLDER`.

FOLDER keeps the inputs that found new paths, and is filled with seeds when it is empty. The arguments are libFuzzer's. A finding is an
exception, a row that breaks a promise of the schema, or more than two seconds of processor for 64 KB; libFuzzer writes it to `crash-…`.
Needs `atheris`, which nothing else here needs.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["pipeline", "dkim"]):
    from pipeline.message.fetched import Fetched, MessageRef
    from pipeline.report.limits import DEFAULT_LIMITS
    from pipeline.report.rows import Ownership, RunStamp, build_rows
    from pipeline.settings.single_tables import TrustSettings
    from pipeline.tables.chunk_columns import chunk_columns, message_rows
    from pipeline.tables.schema import OUTCOMES
    from pipeline.trust.judge import Judge
    from pipeline.trust.key_lookup import Resolver
    from pipeline.trust.key_records import KeyUnusableError, read_key
    from pipeline.workers.reading_task import read_one

from tests.hostile.corpus import TRICKS
from tests.trust.conftest import KEYS
from tests.trust.signing import RECEIVED, report_json, report_mail, rsa_key, sign

RUN = RunStamp("fuzz", datetime(2026, 5, 14, tzinfo=UTC), "0")
SECONDS = 2.0
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_VERBATIM = {"policy_strings", "window_start_raw", "window_end_raw"}


class Zone(Resolver):
    """The keys of the tests, without a network."""

    def texts(self, selector: str, domain: str) -> tuple[bytes, ...]:
        found = KEYS.get(f"{selector}._domainkey.{domain}")
        return () if found is None else (found.encode(),)


JUDGE = Judge(TrustSettings(authserv_ids=("mx.rcpt.example",)), Zone())


def _check(fetched: Fetched) -> None:
    reading = read_one(fetched, DEFAULT_LIMITS)
    verdicts = JUDGE.judge(fetched, reading)
    rows = build_rows(fetched=fetched, reading=reading, verdicts=verdicts, own=Ownership(("rcpt.example",)), run=RUN)
    assert rows.message.outcome in OUTCOMES
    assert message_rows(chunk_columns([rows])) == [rows]
    assert (rows.message.outcome == "stored") == bool(rows.reports)
    for report in rows.reports:
        assert report.report.policy_count == len(report.policies)
        assert report.report.failure_detail_count == len(report.failures)
        assert all(policy.success_count >= 0 <= policy.failure_count for policy in report.policies)
        for row in (report.report, *report.policies, *report.failures):
            for name, value in zip(row._fields, row, strict=True):
                texts = value if isinstance(value, tuple) else (value,)
                assert name in _VERBATIM or not any(isinstance(text, str) and _CONTROL.search(text) for text in texts), (name, value)


def _mail(content: bytes) -> Fetched:
    return Fetched(MessageRef("rua", "INBOX", 1, 1), content, RECEIVED, len(content))


def _file(content: bytes) -> Fetched:
    return Fetched(MessageRef("file", "x", item="x.json"), content, RECEIVED, len(content), bare=True)


def _key(record: bytes) -> None:
    try:
        assert read_key(record).bits > 0
    except KeyUnusableError:
        return


_NAMES = """
    organization-name contact-info report-id date-range start-datetime end-datetime policies policy policy-type policy-string
    policy-domain mx-host summary total-successful-session-count total-failure-session-count failure-details result-type
    sending-mta-ip receiving-ip receiving-mx-hostname receiving-mx-helo failed-session-count additional-information
    failure-reason-code failure-error-code total_successful_session_count applied-policy policy-id x
""".split()  # noqa: SIM905 -- thirty quoted names read worse
_TEXTS = [
    *("", "sts", "tlsa", "no-policy-found", "version: STSv1", '["3 1 1 ab"]', "2026-05-12T00:00:00Z", "2026-05-12T23:59:59Z"),
    *("a@reporter.example", "rcpt.example", "*.rcpt.example", "192.0.2.1", "::1", "certificate-expired", "1", "\ud800", "\x00\u202e"),
]


def _value(octets: atheris.FuzzedDataProvider, depth: int) -> object:
    """Some JSON value, mostly of the names and texts a report has, in places where it has them or not."""
    kind = octets.ConsumeIntInRange(0, 9 if depth < 8 else 5)
    if kind == 0:
        return octets.PickValueInList([None, True, False, -1, 0, 1, 2**53, 2**53 - 1, 1.5, 2.0, 1e300])
    if kind == 1:
        return octets.ConsumeIntInRange(-5, 2**60)
    if kind == 2:
        return octets.ConsumeUnicode(20)
    if kind <= 5:
        return octets.PickValueInList(_TEXTS)
    if kind <= 6:
        return [_value(octets, depth + 1) for _ in range(octets.ConsumeIntInRange(0, 4))]
    return {octets.PickValueInList(_NAMES): _value(octets, depth + 1) for _ in range(octets.ConsumeIntInRange(0, 6))}


def _bent(report: dict, octets: atheris.FuzzedDataProvider) -> dict:
    """The report with some of its values replaced or removed, or others added."""
    for _ in range(octets.ConsumeIntInRange(1, 8)):
        place: object = report
        while isinstance(place, dict | list) and place and octets.ConsumeProbability() < 0.8:
            key = octets.PickValueInList(sorted(place)) if isinstance(place, dict) else octets.ConsumeIntInRange(0, len(place) - 1)
            if not isinstance(place[key], dict | list) or octets.ConsumeBool():
                place[key] = _value(octets, 0)
                break
            place = place[key]
        else:
            if isinstance(place, dict):
                place[octets.PickValueInList(_NAMES)] = _value(octets, 0)
            elif isinstance(place, list):
                place.append(_value(octets, 0))
    return report


def one_input(octets: bytes) -> None:
    """Read one input; its first byte says as what."""
    kind, rest = octets[:1], octets[1:]
    begun = time.process_time()
    if kind == b"f":
        _check(_file(rest))
    elif kind == b"z":
        _check(_mail(report_mail(rest)))
    elif kind == b"g":
        _check(_file(gzip.compress(rest)))
    elif kind == b"j":
        report = _bent(json.loads(report_json()), atheris.FuzzedDataProvider(rest))
        _check(_file(json.dumps(report).encode()))
    elif kind == b"k":
        _key(rest)
    else:
        _check(_mail(rest))
    assert time.process_time() - begun < SECONDS * (1 + len(rest) / 65_536)


def _seeds(folder: Path) -> None:
    small = [trick.mail() for trick in TRICKS if "mega" not in trick.name and "MB" not in trick.name]
    mails = [sign(report_mail(), rsa_key("s1")), report_mail(), *(mail for mail in small if len(mail) < 8000)]
    seeds = [b"m" + mail for mail in mails]
    seeds += [kind + report_json() for kind in (b"f", b"z", b"g")]
    seeds += [b"j" + bytes(range(number, number + 60)) for number in range(0, 180, 20)]
    seeds += [b"k" + record.encode() for record in KEYS.values()]
    for number, seed in enumerate(seeds):
        (folder / f"seed-{number:03}").write_bytes(seed)


def main() -> None:
    """Fuzz until libFuzzer's arguments say enough."""
    folder = next((Path(word) for word in sys.argv[1:] if not word.startswith("-")), None)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        if not any(folder.iterdir()):
            _seeds(folder)
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
