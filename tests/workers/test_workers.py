"""Reading in other processes: what one message does to its worker touches no other message, and every message ends in rows."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime

import orjson
import psutil
import pytest

from pipeline.errors import ConfigError, TryAgainError
from pipeline.report.limits import DEFAULT_LIMITS
from pipeline.report.rows import Ownership, RunStamp, arrival_of
from pipeline.settings.single_tables import TrustSettings
from pipeline.tables.chunk_columns import MalformedChunkError, chunk_columns, concat, message_rows, typed_chunk
from pipeline.tables.column_text import chunk_as_values, own_columns
from pipeline.tables.schema import TABLES
from pipeline.workers.pool import Pool
from pipeline.workers.protocol import Task, pack_job, unpack_job
from pipeline.workers.reading_task import Job, read_chunk
from pipeline.workers.sandbox import Sandbox
from tests.trust.signing import RECEIVED, fetched, report_json, report_mail, rsa_key, sign

MIB = 1024 * 1024
HUGE = DEFAULT_LIMITS._replace(json_objects=9_000_000, json_arrays=9_000_000, json_values=90_000_000, json_bytes=400 * MIB)
"""Limits that let through what the limits are there to stop, so that only the process's own are left."""


def _job(limits=DEFAULT_LIMITS, **trust) -> Job:
    stamp = RunStamp("run-1", datetime(2026, 5, 14, 4, 0, 0, 123456, tzinfo=UTC), "0.1.0")
    return Job(limits, Ownership(("rcpt.example",), ("mx.rcpt.example",)), TrustSettings(**{"dkim": "off", **trust}), stamp)


def _mails(count, first=0):
    return [fetched(report_mail(report_json(report_id=f"r{number}"))) for number in range(first, first + count)]


def _bomb(objects: int):
    """A report whose policies are so many empty objects: small as mail, gigabytes once parsed."""
    return fetched(report_mail(b'{"policies": [' + b"{}," * objects + b"{}]}"))


def _balloon(size: int):
    """A report with one text of so many bytes: a thousandth of that as mail."""
    return fetched(report_mail(b'{"report-id": "' + b"a" * size + b'"}'))


def _read(pool, *chunks):
    return [message_rows(columns) for _, columns in pool.read(iter(chunks))]


def _codes(rows):
    return [(each.message.outcome, each.message.reject_code) for each in rows]


def _workers():
    return [one for one in psutil.Process().children() if "pipeline.workers.child_process" in one.cmdline()]


def test_in_this_process_a_chunk_becomes_columns_in_one_step(monkeypatch):
    made = []
    monkeypatch.setattr("pipeline.workers.sandbox.chunk_columns", lambda rows: made.append(len(rows)) or chunk_columns(rows))
    with Pool(_job(), workers=0) as pool:
        (rows,) = _read(pool, _mails(20))
    assert [each.message.outcome for each in rows] == ["stored"] * 20
    assert made == [20], "Arrow tables of one row each cost forty times the reading"


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_rows_from_workers_are_those_read_here_in_the_same_order(workers):
    chunks = [_mails(7, first=10 * number) for number in range(5)]
    with Pool(_job(), workers=workers) as pool:
        read = [(chunk, message_rows(columns)) for chunk, columns in pool.read(iter(chunks))]
    assert read == [(chunk, read_chunk(chunk, _job())) for chunk in chunks]


@pytest.mark.parametrize("workers", [0, 2])
def test_known_messages_are_read_again_with_their_verdicts_and_stamps(workers):
    first = _job()._replace(run=RunStamp("run-0", datetime(2026, 5, 13, 20, tzinfo=UTC), "0.0.1"))
    rows = read_chunk(_mails(450), first)
    verified = rows[0].message._replace(trust_tier="verified", auth_method="dkim", dkim_result="pass", dkim_domain="reporter.example")
    ledger = [verified, *(each.message for each in rows[1:])]
    with Pool(_job(dkim="verify"), workers=workers) as pool:
        again = message_rows(pool.read_again(list(zip(ledger, _mails(450), strict=True))))
    assert [each.message.report_keys for each in again[1:]] == [each.message.report_keys for each in rows[1:]]
    assert [each.message.trust_tier for each in again] == ["verified"] + ["vouched"] * 449
    assert {(each.message.run_id, each.message.ingested_at, each.message.parser_version) for each in again} == {
        ("run-0", first.run.ingested_at, "0.1.0")
    }


def test_a_known_message_that_cannot_be_read_any_more_keeps_its_stamp():
    (rows,) = read_chunk(_mails(1), _job())
    known = rows.message._replace(run_id="run-0")
    with Pool(_job(HUGE._replace(worker_memory_bytes=96 * MIB)), workers=1) as pool:
        again = message_rows(pool.read_again([(known, _balloon(110 * MIB)), (known, _mails(1)[0])]))
    assert _codes(again) == [("quarantined", "limits_exceeded"), ("stored", None)]
    assert [each.message.run_id for each in again] == ["run-0"] * 2


def test_no_process_starts_before_there_is_work_and_none_is_left_behind():
    with Pool(_job(), workers=2) as pool:
        assert _workers() == []
        assert _read(pool) == []
        assert _workers() == []
        _read(pool, _mails(1))
        assert len(_workers()) == 1
    assert _workers() == []


def test_a_message_that_takes_too_much_memory_is_quarantined_and_the_others_are_read():
    limits = HUGE._replace(worker_memory_bytes=96 * MIB)
    chunk = [*_mails(2), _balloon(110 * MIB), *_mails(2, first=2)]
    with Pool(_job(limits), workers=1) as pool:
        (rows,) = _read(pool, chunk)
    assert _codes(rows) == [("stored", None)] * 2 + [("quarantined", "limits_exceeded")] + [("stored", None)] * 2
    assert rows[2].content == chunk[2].content
    assert "96 MiB" in rows[2].message.reject_detail


def test_a_message_that_takes_too_much_time_is_quarantined_and_the_others_are_read():
    limits = HUGE._replace(seconds_per_message=0.3, worker_memory_bytes=4096 * MIB)
    chunk = [*_mails(2), _bomb(8_000_000), *_mails(2, first=2)]
    started = time.monotonic()
    with Pool(_job(limits), workers=1) as pool:
        (rows,) = _read(pool, chunk)
    assert _codes(rows) == [("stored", None)] * 2 + [("quarantined", "timeout")] + [("stored", None)] * 2
    assert time.monotonic() - started < 20


def test_a_message_stays_in_its_place_when_its_worker_is_killed():
    with Pool(_job(), workers=1) as pool:
        first = _read(pool, _mails(1))
        (worker,) = _workers()
        os.kill(worker.pid, signal.SIGKILL)
        second = _read(pool, _mails(3, first=1))
    assert _codes(first[0]) == [("stored", None)]
    assert _codes(second[0]) == [("stored", None)] * 3
    assert [rows.reports[0].report.report_id for rows in second[0]] == ["r1", "r2", "r3"]


def test_what_ends_every_process_of_a_terminal_or_service_ends_no_worker(monkeypatch):
    started = subprocess.Popen

    def signalled(*arguments, **options):
        process = started(*arguments, **options)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # before it has read a line of its program
            process.send_signal(number)
        return process

    monkeypatch.setattr(subprocess, "Popen", signalled)
    with Pool(_job(), workers=1) as pool:
        (rows,) = _read(pool, _mails(1))
    assert _codes(rows) == [("stored", None)]


def test_a_worker_that_dies_before_it_starts_ends_the_run_with_a_sentence(monkeypatch):
    started = subprocess.Popen

    def killed(*arguments, **options):
        process = started(*arguments, **options)
        process.kill()
        process.wait()
        return process

    monkeypatch.setattr(subprocess, "Popen", killed)
    with Pool(_job(), workers=1) as pool, pytest.raises(TryAgainError, match=r"a worker process did not start: .* SIGKILL"):
        _read(pool, _mails(1))


def test_a_worker_that_hangs_is_ended_and_another_one_reads_its_message(monkeypatch):
    monkeypatch.setattr("pipeline.workers.worker_process.GRACE_SECONDS", 0.5)
    with Pool(_job(DEFAULT_LIMITS._replace(seconds_per_message=1.0)), workers=1) as pool:
        _read(pool, _mails(1))
        (worker,) = _workers()
        worker.suspend()
        (rows,) = _read(pool, _mails(2, first=1))
        assert _codes(rows) == [("stored", None)] * 2
        assert worker.pid not in [one.pid for one in _workers()]


def test_a_stopped_run_ends_its_workers_at_once():
    limits = HUGE._replace(worker_memory_bytes=4096 * MIB)
    started = time.monotonic()
    with Pool(_job(limits), workers=1) as pool:
        results = pool.read(iter([_mails(1), [_bomb(8_000_000)], [_bomb(8_000_000)]]))
        next(results)
    assert _workers() == []
    assert time.monotonic() - started < 20


def test_what_was_fetched_before_the_source_failed_is_given_back():
    def source():
        yield _mails(2)
        yield _mails(2, first=2)
        raise TryAgainError("the connection was cut")

    with Pool(_job(), workers=2) as pool:
        results = pool.read(source())
        assert [_codes(message_rows(next(results)[1])) for _ in range(2)] == [[("stored", None)] * 2] * 2
        with pytest.raises(TryAgainError, match="cut"):
            next(results)


def test_a_worker_has_none_of_the_secrets_of_its_parent(monkeypatch):
    monkeypatch.setenv("RUA_PASSWORD", "hunter2")
    monkeypatch.setenv("TLSRPT_TRUST__DKIM", "verify")
    with Pool(_job(), workers=1) as pool:
        _read(pool, _mails(1))
        (worker,) = _workers()
        environment = worker.environ()
    assert "hunter2" not in environment.values()
    assert not [name for name in environment if name.startswith("TLSRPT_")]


def test_a_worker_dies_with_its_parent(tmp_path):
    script = (
        "import sys, time\n"
        "from tests.workers.test_workers import _job, _mails, _read, _workers, Pool\n"
        "pool = Pool(_job(), workers=1)\n"
        "_read(pool, _mails(1))\n"
        "print(_workers()[0].pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as parent:
        worker = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    worker.wait(timeout=120)


def test_a_signed_mail_is_verified_in_a_worker_and_a_dead_resolver_is_said_once(keys, caplog):
    job = _job(dkim="verify", resolver=keys.address, dns_timeout=0.5)
    with Pool(job, workers=1) as pool:
        (rows,) = _read(pool, [fetched(sign(report_mail(), rsa_key("s1")))])
        assert rows[0].message.trust_tier == "verified"
        assert not pool.resolver_down
        keys.behave("servfail")
        mails = [sign(report_mail(report_json(contact=f"a@r{n}.example")), rsa_key("s1"), domain=f"r{n}.example") for n in range(25)]
        (rows,) = _read(pool, [fetched(mail) for mail in mails])
        assert {each.message.dkim_result for each in rows} == {"temperror"}
        assert pool.resolver_down
        asked = len(keys.questions)
        (rows,) = _read(pool, [fetched(sign(report_mail(report_json(contact="a@x.example")), rsa_key("s1"), domain="x.example"))])
        assert rows[0].message.dkim_result == "temperror"
        assert len(keys.questions) == asked
    assert [each.message for each in caplog.records] == ["resolver-down"]


def test_a_resolver_that_is_no_address_is_said_before_anything_is_read():
    with pytest.raises(ConfigError, match=r"trust\.resolver"):
        Pool(_job(dkim="verify", resolver="not an address"))


def test_the_job_comes_out_of_the_pipe_as_it_went_in():
    job = _job(authserv_ids=("mx.rcpt.example",))._replace(vouch_before=RECEIVED)
    other = unpack_job(pack_job(job))
    assert other._replace(trust=None) == job._replace(trust=None)
    assert all(getattr(other.trust, name) == getattr(job.trust, name) for name in other.trust._fields)


def _values(chunk):
    return orjson.loads(orjson.dumps(chunk_as_values(read_chunk(chunk, _job()))))


def test_rows_come_out_of_the_pipe_as_they_went_in():
    chunk = [fetched(report_mail()), *_mails(3)]
    assert message_rows(_typed(_values(chunk), chunk)) == read_chunk(chunk, _job())


def _typed(values, chunk):
    return typed_chunk(values, [arrival_of(mail, _job().run) for mail in chunk], [mail.content for mail in chunk])


def test_what_reads_a_message_has_no_say_in_where_it_came_from():
    sent = {TABLES["messages"].columns[1:][place].name for place, _ in own_columns("messages")}
    assert not sent & {"account", "folder", "uidvalidity", "uid", "item", "message_sha256", "received_at", "size_bytes", "run_id"}


def _column(table: str, name: str) -> int:
    own = [TABLES[table].columns[1:][place].name for place, _ in own_columns(table)]
    return own.index(name)


def _with(table: str, name: str, value):
    def spoil(values):
        values[table][_column(table, name)] = value
        return values

    return spoil


@pytest.mark.parametrize(
    "spoil",
    [
        lambda values: {},
        lambda values: values | {"messages": []},
        lambda values: values | {"messages": values["messages"][:-1]},
        lambda values: values | {"reports": [[]]},
        lambda values: values | {"policies": {"a": 1}},
        lambda values: values | {"policies": []},
        lambda values: values | {"failures": [["x"]]},
        _with("messages", "header_date", ["yesterday"] * 2),
        _with("messages", "dkim_key_bits", [1, "2"]),
        _with("messages", "dkim_key_bits", [1, True]),
        _with("messages", "dkim_key_bits", [1, 1 << 70]),
        _with("messages", "outcome", [None, "stored"]),
        _with("messages", "outcome", ["stored"]),
        _with("messages", "outcome", ["stored", 7]),
        _with("messages", "report_keys", {"lengths": [1, 5], "texts": ["a", "b"]}),
        _with("messages", "report_keys", {"lengths": [3, -1], "texts": ["a", "b"]}),
        _with("messages", "report_keys", {"lengths": [1, 1], "texts": ["a", None]}),
        _with("messages", "report_keys", {"lengths": [1, 1]}),
        _with("reports", "policy_count", [1, -1]),
        _with("reports", "failure_detail_count", [0, 7]),
        _with("policies", "policy_ix", [0, 1 << 20]),
    ],
)
def test_what_is_no_row_of_a_table_is_refused(spoil):
    chunk = _mails(2)
    with pytest.raises(MalformedChunkError):
        _typed(spoil(_values(chunk)), chunk)


def test_one_message_in_the_middle_that_kills_its_worker_costs_no_other_message():
    limits = HUGE._replace(seconds_per_message=0.3, worker_memory_bytes=4096 * MIB)
    chunk = [*_mails(2), _bomb(8_000_000), _mails(1, first=2)[0], _balloon(3000 * MIB // 1000), *_mails(1, first=3)]
    with Sandbox(_job(limits)) as sandbox:
        rows = message_rows(sandbox.read([Task(mail) for mail in chunk]))
    assert [each.message.reject_code == "timeout" for each in rows] == [False, False, True, False, False, False]
    assert [each.message.outcome for each in rows][0::5] == ["stored", "stored"]


def test_a_chunk_of_many_rows_comes_in_pieces():
    chunk = _mails(30)
    with Sandbox(_job()) as sandbox:
        whole = sandbox.read([Task(mail) for mail in chunk])
    pieces = [chunk_columns(read_chunk(chunk[start : start + 7], _job())) for start in range(0, 30, 7)]
    assert concat(pieces).messages.equals(whole.messages)
    assert concat(pieces).policies.equals(whole.policies)
