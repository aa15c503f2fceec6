"""Mail servers that hand reports over as the documentation says: Postfix by an alias and by a transport, Dovecot by a Sieve script."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import smtplib
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipeline.spool import Spool
from tests.mailbox.servers import library_path, unpacked
from tests.ports import free_port
from tests.receive.receivers import PATIENCE, ROOT
from tests.report_mails import mail

pytestmark = [pytest.mark.servers, pytest.mark.skipif(os.geteuid() != 0, reason="only root runs a mail server for other users")]

PAGE = (ROOT / "pipeline" / "docs" / "how-to" / "other-ways-in.md").read_text(encoding="utf-8")
OWNER, GROUP, SERVICE = "news", "uucp", "list"
"""Users of every Debian: who owns the queue, whose group drops mail, and whom the mail is handed to."""
QUEUE = (
    "incoming",
    "active",
    "deferred",
    "bounce",
    "defer",
    "maildrop",
    "hold",
    "corrupt",
    "flush",
    "trace",
    "saved",
    "private",
    "public",
    "pid",
)
MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
flush unix n - n 1000 0 flush
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
local unix - n n - - local
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""


@pytest.fixture
def place():
    """A folder that any user may enter."""
    with tempfile.TemporaryDirectory(prefix="mta-", dir="/tmp") as made:
        folder = Path(made)
        folder.chmod(0o755)
        yield folder


@pytest.fixture
def spool(place):
    """As the documentation makes it: owned by the user that polls, with its group kept."""
    folder, user = place / "spool", pwd.getpwnam(SERVICE)
    folder.mkdir()
    os.chown(folder, user.pw_uid, user.pw_gid)
    folder.chmod(0o2770)
    return Spool(str(folder))


@pytest.fixture
def program(place, spool):
    """`tlsrpt` as those users can run it, from where they can read it, on whatever disk this is."""
    here = place / "program"
    shutil.copytree(ROOT / "pipeline", here / "pipeline", ignore=shutil.ignore_patterns("docs", "__pycache__"))
    python = "/usr/bin/python3"  # that of this environment may lie where only its owner reads
    start = f"import sys; sys.path.insert(0, '{here}'); from pipeline import spool; spool.FULL_PERCENT = 100; from pipeline.cli import main"
    file = place / "tlsrpt"
    file.write_text(f"#!/bin/sh\nexec {python} -I -c \"{start}; sys.exit(main([*sys.argv[1:], '--spool', '{spool.folder}']))\" \"$@\"\n")
    file.chmod(0o755)
    return file


def contents(spool: Spool) -> list[bytes]:
    return [spool.read(entry) for file in spool.files() for entry in spool.entries(file) or ()]


@contextmanager
def postfix(place: Path, main: str = "", master: str = ""):
    """Run it from its package, with a queue of its own; the port on which it takes mail for example.org."""
    tree, port = unpacked("postfix"), free_port()
    owner = pwd.getpwnam(OWNER)
    for name in ("etc", "queue", "state"):
        (place / name).mkdir()
    os.chown(place / "state", owner.pw_uid, owner.pw_gid)
    for name in QUEUE:
        (place / "queue" / name).mkdir()
        if name != "pid":
            os.chown(place / "queue" / name, owner.pw_uid, owner.pw_gid)
    libraries = library_path(tree)
    (place / "etc" / "master.cf").write_text(MASTER.format(port=port) + master)
    (place / "etc" / "main.cf").write_text(f"""\
compatibility_level = 3.6
queue_directory = {place}/queue
data_directory = {place}/state
daemon_directory = {tree}/usr/lib/postfix/sbin
command_directory = {tree}/usr/sbin
meta_directory = {place}/etc
shlib_directory = {tree}/usr/lib/postfix
import_environment = MAIL_CONFIG LD_LIBRARY_PATH={libraries} LANG=C
mail_owner = {OWNER}
setgid_group = {GROUP}
myhostname = mx.example.org
mydestination = example.org
local_recipient_maps =
mynetworks = 127.0.0.0/8
inet_protocols = ipv4
alias_maps = hash:{place}/etc/aliases
maillog_file = {place}/log
maillog_file_prefixes = {place}
{main}""")
    (place / "etc" / "aliases").touch()
    subprocess.run([tree / "usr/sbin/postalias", f"hash:{place}/etc/aliases"], check=True, env=environment(place), timeout=PATIENCE)
    server = subprocess.Popen([tree / "usr/lib/postfix/sbin/master", "-c", place / "etc", "-d"], env=environment(place))
    try:
        yield port
    finally:
        server.terminate()
        server.wait(PATIENCE)


def environment(place: Path) -> dict[str, str]:
    libraries = library_path(unpacked("postfix"))
    return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LD_LIBRARY_PATH": libraries, "MAIL_CONFIG": str(place / "etc")}


def told(place: Path) -> str:
    log = place / "log"
    return log.read_text() if log.exists() else "no log"


def send(port: int, whole: bytes, place: Path) -> None:
    for _ in range(PATIENCE * 10):
        try:
            with smtplib.SMTP("127.0.0.1", port, timeout=PATIENCE) as there:
                there.sendmail("noreply@reporter.example", ["tls-reports@example.org"], whole)
                return
        except (ConnectionRefusedError, smtplib.SMTPServerDisconnected):
            time.sleep(0.1)
    raise AssertionError(told(place))


def arrived(spool: Spool, place: Path, *again: str) -> bytes:
    """What was handed over first; while there is nothing, a program may ask for another try."""
    for moment in range(PATIENCE * 10):
        if found := contents(spool):
            return found[0]
        if again and moment % 20 == 0:
            subprocess.run(again, check=True, env=environment(place), timeout=PATIENCE)
        time.sleep(0.1)
    raise AssertionError(told(place))


def is_whole(kept: bytes) -> None:
    """What the server puts before a mail are headers, and what follows is the mail as it was sent."""
    before, found, after = kept.replace(b"\r\n", b"\n").partition(mail(1).replace(b"\r\n", b"\n").split(b"\n", 1)[0])
    assert (found + after).rstrip() == mail(1).replace(b"\r\n", b"\n").rstrip()
    assert not before.startswith(b"From ")
    assert all(re.match(rb"[A-Za-z-]+: |\s", line) for line in before.splitlines())


def test_an_alias_of_postfix_hands_over_as_the_owner_of_its_file(place, spool, program):
    with postfix(place) as port:
        aliases = place / "etc" / "aliases"
        aliases.write_text(f'tls-reports: "|{program} pipe"\n')
        postalias = unpacked("postfix") / "usr/sbin/postalias"
        subprocess.run([postalias, f"hash:{aliases}"], check=True, env=environment(place), timeout=PATIENCE)
        user = pwd.getpwnam(SERVICE)
        for file in place.glob("etc/aliases*"):
            os.chown(file, user.pw_uid, user.pw_gid)
        send(port, mail(1), place)
        is_whole(arrived(spool, place))
    assert "status=sent (delivered to command:" in told(place)


def test_a_transport_of_postfix_hands_over_and_a_refusal_is_tried_again(place, spool, program):
    (service,) = re.findall(r"```\n(tlsrpt  unix .*?)```", PAGE, re.DOTALL)
    (line,) = re.findall(r"`transport_maps`: `(.*?)`", PAGE)
    service = service.replace("user=tlsrpt", f"user={SERVICE}").replace("/usr/bin/tlsrpt", str(program))
    (place / "transport").write_text(f"{line}\n")
    with postfix(place, f"transport_maps = texthash:{place}/transport\nminimal_backoff_time = 1s\n", service) as port:
        folder = Path(spool.folder)
        folder.chmod(0)
        os.chown(folder, 0, 0)
        send(port, mail(1), place)
        for _ in range(PATIENCE * 10):
            if "status=deferred" in told(place):
                break
            time.sleep(0.1)
        assert "status=deferred" in told(place)
        user = pwd.getpwnam(SERVICE)
        os.chown(folder, user.pw_uid, user.pw_gid)
        folder.chmod(0o2770)
        is_whole(arrived(spool, place, f"{unpacked('postfix')}/usr/sbin/postqueue", "-f"))
    assert "status=sent (delivered via tlsrpt service)" in told(place)


def test_a_sieve_script_hands_over_and_one_that_fails_leaves_the_mail_in_the_inbox(place, spool, program):
    (script,) = re.findall(r"```\n(require .*?)```", PAGE, re.DOTALL)
    user = pwd.getpwnam(SERVICE)
    libraries = place / "dovecot"
    shutil.copytree("/usr/lib/dovecot", libraries, symlinks=True)
    shutil.copytree(unpacked("dovecot-sieve") / "usr/lib/dovecot", libraries, symlinks=True, dirs_exist_ok=True)
    (place / "bin").mkdir()
    (place / "bin" / "tlsrpt").symlink_to(program)
    home = place / "home"
    home.mkdir()
    (home / "script.sieve").write_text(script)
    os.chown(home, user.pw_uid, user.pw_gid)
    os.chown(home / "script.sieve", user.pw_uid, user.pw_gid)
    (place / "dovecot.conf").write_text(f"""\
base_dir = {place}/run
log_path = /dev/stderr
mail_location = maildir:{home}/Maildir
first_valid_uid = 1
postmaster_address = postmaster@example.org
protocol lda {{
  mail_plugins = sieve
}}
plugin {{
  sieve = file:{home}/script.sieve
  sieve_plugins = sieve_extprograms
  sieve_extensions = +vnd.dovecot.pipe
  sieve_pipe_bin_dir = {place}/bin
}}
""")
    # Where its plugins are is compiled in; so they are laid there, for this process alone.
    deliver = f'mount --bind {libraries} /usr/lib/dovecot && exec setpriv --reuid {user.pw_uid} --regid {user.pw_gid} --clear-groups "$@"'
    command = ["unshare", "--mount", "sh", "-c", deliver, "deliver", "/usr/lib/dovecot/dovecot-lda", "-c", f"{place}/dovecot.conf"]

    def delivered() -> list[Path]:
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(home), "USER": SERVICE}
        done = subprocess.run(command, input=mail(1), env=environment, capture_output=True, check=False, timeout=PATIENCE)
        assert done.returncode == 0, done.stderr.decode()
        return list(home.glob("Maildir/new/*"))

    assert delivered() == []
    is_whole(contents(spool)[0])
    Path(spool.folder).chmod(0)
    os.chown(spool.folder, 0, 0)
    assert len(delivered()) == 1
