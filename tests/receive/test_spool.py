"""The spool: what was promised is there, whatever happens; what was not promised is not."""

from __future__ import annotations

import base64
import gzip
import io
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

import pipeline
from pipeline import failpoint
from pipeline.cli import main
from pipeline.errors import TryAgainError
from pipeline.ingest.mail_set_aside import forget_others
from pipeline.spool import MAIL, POST, Deposit, Spool
from tests.report_mails import mail

POINTS = ("spool-written", "spool-synced", "spool-renamed", "spool-safe")
AWKWARD = (b"", b"\n", b"pipe 0\n", bytes(range(256)) * 40, b"post " + b"-" * 200 + b"\n")


@pytest.fixture
def spool(tmp_path):
    return Spool(str(tmp_path / "spool"))


def contents(spool):
    return [spool.read(entry) for file in spool.files() for entry in spool.entries(file)]


def leftovers(spool):
    return sorted(path.name for path in Path(spool.folder, "tmp").iterdir())


def test_what_is_put_is_there_byte_for_byte(spool):
    name = spool.put([Deposit(POST, "2001:db8::1", content) for content in AWKWARD])
    assert contents(spool) == list(AWKWARD)
    entries = spool.entries(name)
    assert {(entry.way, entry.peer) for entry in entries} == {(POST, "2001:db8::1")}
    assert abs(entries[0].received_us / 1e6 - time.time()) < 60
    assert len({entry.item for entry in entries}) == len(AWKWARD)


def test_owner_and_group_may_read_and_empty_it_and_nobody_else(spool):
    before = os.umask(0o077)
    try:
        spool.put([Deposit(MAIL, "-", b"x")])
    finally:
        os.umask(before)
    folder = Path(spool.folder)
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (folder, folder / "new", folder / "new" / spool.files()[0])]
    assert modes == [0o2770, 0o2770, 0o660]


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_any_point_there_is_all_of_it_or_nothing(spool, point):
    spool.make()
    child = os.fork()
    if not child:
        failpoint.arm(f"{point}:1")
        spool.put([Deposit(POST, "-", content) for content in AWKWARD])
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert contents(spool) in ([], list(AWKWARD))
    if point == "spool-safe":
        assert contents(spool) == list(AWKWARD)


def test_what_a_killed_writer_left_goes_in_the_end(spool):
    spool.make()
    for name, age in (("old", 40 * 3600), ("young", 60)):
        path = Path(spool.folder, "tmp", name)
        path.touch()
        os.utime(path, (time.time() - age,) * 2)
    spool.sweep()
    assert leftovers(spool) == ["young"]


def test_a_file_cut_anywhere_is_none_of_ours_or_ends_between_records(spool):
    name = spool.put([Deposit(POST, "-", content) for content in (b"one", b"two")])
    path = Path(spool.folder, "new", name)
    whole = path.read_bytes()
    found = {}
    for length in range(len(whole) + 1):
        path.write_bytes(whole[:length])
        found[length] = spool.entries(name)
    ends = [0, len(whole) // 2, len(whole)]
    assert [length for length, entries in found.items() if entries is not None] == ends


@pytest.mark.parametrize("call", ["write", "fsync", "rename", "fsync-folder", "open"])
def test_a_disk_that_fails_is_told_and_leaves_nothing_half_done(spool, monkeypatch, call):
    spool.make()

    def fails(*_args, **_kinds):
        raise OSError(28, "No space left on device")

    if call == "fsync-folder":
        real, seen = os.fsync, []

        def second_fails(descriptor):
            seen.append(descriptor)
            return real(descriptor) if len(seen) == 1 else fails()

        monkeypatch.setattr(os, "fsync", second_fails)
    elif call == "write":
        spool.make()
        monkeypatch.setattr("pipeline.spool._head", fails)
    else:
        monkeypatch.setattr(os, call, fails)
    with pytest.raises(OSError, match="No space"):
        spool.put([Deposit(POST, "-", b"x")])
    monkeypatch.undo()
    assert leftovers(spool) == []


def test_a_full_disk_takes_nothing(tmp_path):
    spool = Spool(str(tmp_path / "spool"), full_percent=0)
    spool.make()
    assert spool.is_full()
    with pytest.raises(TryAgainError, match="full"):
        spool.put_piped(io.BytesIO(mail(1)))
    assert (spool.files(), leftovers(spool)) == ([], [])


def piped(content, *words, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    monkeypatch.setattr("pipeline.commands.pipe.FULL_PERCENT", 100)  # this machine's disk is not what is tested
    try:
        return main(["pipe", *words])
    except SystemExit as err:
        return err.code


def test_pipe_ends_with_0_or_75_and_nothing_else(spool, tmp_path, monkeypatch):
    assert piped(mail(1), "--spool", spool.folder, monkeypatch=monkeypatch) == 0
    assert contents(spool) == [mail(1)]
    (tmp_path / "blocked").write_text("a file")
    monkeypatch.chdir(tmp_path)
    for before, kept in (
        (b"From tls@reporter.example  Sun Nov 29 09:56:42 2026\n", mail(1)),
        (b"From: a@b.example\n", b"From: a@b.example\n" + mail(1)),
    ):
        assert piped(before + mail(1), "--spool", str(tmp_path / before[:5].hex()), monkeypatch=monkeypatch) == 0
        assert contents(Spool(str(tmp_path / before[:5].hex()))) == [kept]
    assert piped(b"From tls@reporter.example\n", "--spool", spool.folder, monkeypatch=monkeypatch) == 75
    for words in (("--spool", "blocked/spool"), ("--nonsense",), ("--spool",), ()):
        assert piped(mail(1), *words, monkeypatch=monkeypatch) == 75, words
    assert piped(b"", "--spool", spool.folder, monkeypatch=monkeypatch) == 75
    (tmp_path / "tlsrpt.toml").write_text("[receive]\nspool = 7")
    assert piped(mail(1), monkeypatch=monkeypatch) == 75
    (tmp_path / "tlsrpt.toml").write_text("[receive\n")
    assert piped(mail(1), monkeypatch=monkeypatch) == 75
    (tmp_path / "tlsrpt.toml").write_text('[receive]\nspool = "there"')
    assert piped(mail(2), monkeypatch=monkeypatch) == 0
    assert contents(Spool("there")) == [mail(2)]


def test_pipe_imports_nothing_heavy(tmp_path):
    program = (
        "import sys; from pipeline import spool; spool.FULL_PERCENT = 100; "
        "from pipeline.cli import main; code = main(['pipe', '--spool', sys.argv[1]]); "
        "heavy = {'pydantic', 'pyarrow', 'pipeline.config', 'asyncio', 'ssl', 'logging', 'json'} & set(sys.modules); "
        "sys.exit(code or len(heavy))"
    )
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path / "spool")], input=mail(1), check=False)
    assert done.returncode == 0


def set_aside(spool, content):
    (Path(spool.folder, "other") / f"{len(list(spool.others()))}.eml").write_bytes(content)


NAMED = {
    "as it lies": b"From: a@victim.example\r\n\r\nx",
    "below it": b"From: a@mail.Victim.Example.\r\n\r\nx",
    "in base64": b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.b64encode(b"to us: victim.example, please"),
    "in quoted-printable": b"Content-Transfer-Encoding: quoted-printable\r\n\r\nvic=\r\ntim=2Eexample",
    "in an encoded header": b"Subject: =?utf-8?b?" + base64.b64encode(b"of victim.example") + b"?=\r\n\r\nx",
    "in gzip": b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(gzip.compress(b"{victim.example}")),
    "in a part": b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    + base64.b64encode(b"victim.example")
    + b"\r\n--b--\r\n",
}
OF_OTHERS = (
    b"From: a@notvictim.example\r\n\r\nvictim.example.org and my-victim.example",
    b"Subject: =?nothing?b?!!?=\r\nContent-Type: multipart/mixed; boundary=\xff\r\n\r\n--",
    b"",
)


@pytest.mark.parametrize("where", NAMED)
def test_erasing_a_domain_forgets_what_was_set_aside_and_names_it(spool, where):
    spool.make()
    for content in (NAMED[where], *OF_OTHERS):
        set_aside(spool, content)
    assert forget_others(spool.folder, "victim.example") == 1
    assert [Path(path).read_bytes() for path in spool.others()] == list(OF_OTHERS)


def test_what_is_no_domain_is_refused_before_the_spool_is_read(spool, tmp_path, monkeypatch, capsys):
    spool.put([Deposit(MAIL, "-", b"Subject: x\r\n\r\ny")])
    monkeypatch.setenv("TLSRPT_RECEIVE__SPOOL", spool.folder)
    (tmp_path / "lake").mkdir()
    assert main(["--lake", str(tmp_path / "lake"), "maintain", "--erase", "no domain"]) == 2
    assert "is not a domain" in capsys.readouterr().err
    assert len(spool.files()) == 1
    assert list((tmp_path / "lake").iterdir()) == []


@pytest.mark.parametrize("half_written", [None, "import", "raise RuntimeError"])
def test_a_program_that_lacks_its_libraries_asks_the_mail_server_to_try_again(tmp_path, half_written):
    (tmp_path / "file").touch()
    if half_written:
        (tmp_path / "orjson.py").write_text(half_written, encoding="utf-8")
    root = Path(pipeline.__file__).parent.parent
    start = f"import sys; sys.path[:0] = {[str(root), str(tmp_path)]}; from pipeline.cli import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-I", "-S", "-c", start, "pipe", "--spool", str(tmp_path / "file" / "spool")]
    done = subprocess.run(command, input=b"From: a\n\nb\n", capture_output=True, check=False, timeout=60)
    assert done.returncode == TryAgainError.exit_code
    assert done.stderr.startswith(b"tlsrpt: Not a directory")
