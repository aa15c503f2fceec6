"""Disks that are really full: small file systems of their own, mounted by root."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from pipeline.spool import Spool
from tests.receive.receivers import JSON, PATIENCE, receiver
from tests.report_mails import mail

pytestmark = [pytest.mark.servers, pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts a file system")]

MIB = 1024 * 1024


def mounted(kind: str, place: Path) -> None:
    place.mkdir()
    if kind == "tmpfs":
        command = ["mount", "-t", "tmpfs", "-o", f"size={4 * MIB}", "tmpfs", place]
    else:
        image = place.with_suffix(".img")
        image.write_bytes(bytes(8 * MIB))
        subprocess.run(["mkfs.ext4", "-q", image], check=True, env={"PATH": "/usr/sbin:/sbin:/usr/bin:/bin"})
        command = ["mount", "-o", "loop", image, place]
    subprocess.run(command, check=True)


@pytest.fixture(params=["tmpfs", "ext4"])
def disk(request, tmp_path):
    place = tmp_path / "disk"
    mounted(request.param, place)
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


def fill(path: Path) -> None:
    with suppress(OSError), path.open("wb", buffering=0) as filler:
        while True:
            filler.write(bytes(4096))


def large(number: int) -> bytes:
    return b'{"policies": [{"policy": {"policy-domain": "example.org"}}], "%d": "%s"}' % (number, os.urandom(20_000).hex().encode())


def test_what_was_answered_before_the_disk_was_full_is_there_and_it_goes_on_when_there_is_room(disk):
    with receiver(disk, tls=False, per_minute=0) as running:
        kept, refused = [], 0
        for number in range(1000):
            body = large(number)
            status = running.post(body, JSON).status
            assert status in {201, 507}
            if status == 201:
                kept.append(body)
            refused += status == 507
            if refused == 3:
                break
        assert refused == 3
        assert len(kept) > 20
        assert sorted(running.contents()) == sorted(kept)
        assert running.ask("GET", "/health").status in {200, 503}, "with a little room left it may be well"
        for file in running.spool.files():
            Path(running.spool.folder, "new", Path(file).name).unlink()
        assert running.post(large(0), JSON).status == 201


def test_a_mail_that_finds_no_room_goes_back_to_the_mail_server(disk):
    spool, whole = Spool(str(disk / "spool")), mail(1)
    any_share = (
        "import sys; from pipeline import spool; spool.FULL_PERCENT = 100; from pipeline.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", any_share, "pipe", "--spool", spool.folder]

    def piped() -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(command, input=whole, capture_output=True, check=False, timeout=PATIENCE)

    assert piped().returncode == 0
    fill(disk / "filler")
    done = piped()
    assert (done.returncode, done.stderr.count(b"\n")) == (75, 1), done.stderr
    (disk / "filler").unlink()
    assert piped().returncode == 0
    assert [spool.read(entry) for file in spool.files() for entry in spool.entries(file) or ()] == [whole] * 2
