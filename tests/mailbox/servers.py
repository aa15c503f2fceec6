r"""Other IMAP servers than Dovecot, from Debian's packages, each started by the test on loopback and in the clear.

    with started("courier") as server:
        user = server.add_user()
        with server.look(user) as inside:
            inside.append("INBOX", b"From: a@example.org\r\n\r\n")

Debian's Cyrus and Courier exclude dovecot-imapd. So nothing is installed: packages and what they need beyond this machine are fetched with
`apt-get download`, unpacked into `.make/servers`, and run from there with a library path. That wants Debian 12 with its package lists,
and root, for servers that change to the user whose mail it is.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from imapclient import IMAPClient

from tests.dovecot import Dovecot, User, dovecot
from tests.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

CACHE = Path(__file__).parents[2] / ".make" / "servers"
_PASSWORD = "correct-horse"


class Inside:
    """A mailbox as its owner sees it."""

    def __init__(self, client: IMAPClient, prefix: str) -> None:
        self._client = client
        self._prefix = prefix

    def name(self, folder: str) -> str:
        """Return what the server calls a folder."""
        if folder == "INBOX" or not self._prefix:
            return folder
        return self._prefix + folder.replace("/", ".")

    def append(self, folder: str, *contents: bytes) -> None:
        name = self.name(folder)
        if not self._client.folder_exists(name):
            self._client.create_folder(name)
        for content in contents:
            self._client.append(name, content)

    def flags(self, folder: str) -> dict[str, list[set[str]]]:
        r"""Return subject → flags of each mail that has it; `\Recent` left out."""
        self._client.select_folder(self.name(folder), readonly=True)
        found: dict[str, list[set[str]]] = {}
        uids = self._client.search("ALL")
        for answer in self._client.fetch(uids, ["FLAGS", "BODY.PEEK[HEADER.FIELDS (SUBJECT)]"]).values() if uids else ():
            (header,) = (value for key, value in answer.items() if key.startswith(b"BODY[HEADER"))
            subject = header.decode().strip().removeprefix("Subject: ")
            found.setdefault(subject, []).append({flag.decode() for flag in answer[b"FLAGS"]} - {"\\Recent"})
        return found

    def contents(self, folder: str) -> list[bytes]:
        self._client.select_folder(self.name(folder), readonly=True)
        uids = self._client.search("ALL")
        return [each[b"BODY[]"] for each in self._client.fetch(uids, ["BODY.PEEK[]"]).values()] if uids else []

    def folders(self) -> set[str]:
        return {name for _, _, name in self._client.list_folders()}

    def mark_last_deleted(self, folder: str) -> None:
        r"""Let the owner mark the last mail of a folder with `\Deleted`, and close the folder without an EXPUNGE."""
        self._client.select_folder(self.name(folder))
        self._client.add_flags([max(self._client.search("ALL"))], [r"\Deleted"])
        self._client.select_folder("INBOX", readonly=True)

    def has(self, capability: str) -> bool:
        return bool(self._client.has_capability(capability))


class Server:
    """A server that runs from an unpacked package."""

    package: ClassVar[str]
    prefix: ClassVar[str] = ""
    """What the names of folders begin with."""
    removes: ClassVar[bool] = True
    """Whether it has UID EXPUNGE, so that mail can be moved or deleted."""
    ca_file = ""

    def __init__(self, root: Path, tree: Path) -> None:
        self.root = root
        self.tree = tree
        self.port = 0
        self.environment = {"PATH": "/usr/bin:/bin", "LD_LIBRARY_PATH": library_path(tree)}
        self.owner = pwd.getpwnam("mail") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        self._numbers = itertools.count(1)
        self._process: subprocess.Popen[bytes] | None = None

    def add_user(self) -> User:
        user = User(f"user{next(self._numbers)}", _PASSWORD)
        self.make_account(user)
        return user

    def make_account(self, user: User) -> None:
        """Make a mailbox that the user can sign in to."""

    @contextlib.contextmanager
    def look(self, user: User) -> Iterator[Inside]:
        with IMAPClient("127.0.0.1", self.port, ssl=False) as client:
            client.login(user.name, user.password)
            yield Inside(client, self.prefix)

    def start(self) -> None:
        self.port = free_port()
        self.configure()
        for path in (self.root, *self.root.rglob("*")):
            os.chown(path, self.owner.pw_uid, self.owner.pw_gid)
        with (self.root / "log").open("wb") as log:
            self._process = subprocess.Popen(
                self.command(), env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        end = time.monotonic() + 120
        while time.monotonic() < end and self._process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=2) as probe:
                if probe.recv(100).startswith(b"* OK"):
                    return
            time.sleep(0.05)
        raise RuntimeError(f"{self.package} does not start: {(self.root / 'log').read_text()[-2000:]}")

    def stop(self) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def configure(self) -> None:
        """Write the configuration below `root`."""

    def command(self) -> list[str]:
        """Return what starts it in the foreground."""
        raise NotImplementedError


class Cyrus(Server):
    """Folders below `INBOX.`, MOVE, ACL; any password will do."""

    package = "cyrus-imapd"
    prefix = "INBOX."

    def configure(self) -> None:
        for name in ("conf", "spool", "run"):
            (self.root / name).mkdir()
        (self.root / "imapd.conf").write_text(
            f"configdirectory: {self.root}/conf\npartition-default: {self.root}/spool\ndefaultpartition: default\n"
            f"cyrus_user: {self.owner.pw_name}\nadmins: admin\nsasl_pwcheck_method: alwaystrue\nsasl_mech_list: PLAIN LOGIN\n"
            "allowplaintext: yes\naltnamespace: no\nunixhierarchysep: no\nvirtdomains: off\nservername: localhost\n"
            f"proc_path: {self.root}/run/proc\nmboxname_lockpath: {self.root}/run/lock\nidlesocket: {self.root}/run/idle\n"
            f"notifysocket: {self.root}/run/notify\nlmtpsocket: {self.root}/run/lmtp\nimapidlepoll: 1\n"
        )
        programs = self.tree / "usr/lib/cyrus/bin"
        options = f"-C {self.root}/imapd.conf"
        (self.root / "cyrus.conf").write_text(
            f'START {{\n  recover cmd="{programs}/ctl_cyrusdb {options} -r"\n}}\n'
            f'SERVICES {{\n  imap cmd="{programs}/imapd {options} -U 30" listen="127.0.0.1:{self.port}" prefork=0\n}}\nEVENTS {{\n}}\n'
        )

    def command(self) -> list[str]:
        configuration = ["-C", f"{self.root}/imapd.conf", "-M", f"{self.root}/cyrus.conf"]
        return [str(self.tree / "usr/lib/cyrus/bin/master"), *configuration, "-p", f"{self.root}/run/pid", "-D"]

    def make_account(self, user: User) -> None:
        with self._admin() as client:
            client.create_folder(f"user.{user.name}")

    def set_rights(self, user: User, rights: str) -> None:
        """Let the user do no more with INBOX than this (RFC 4314)."""
        with self._admin() as client:
            client.setacl(f"user.{user.name}", user.name, rights)

    @contextlib.contextmanager
    def _admin(self) -> Iterator[IMAPClient]:
        with IMAPClient("127.0.0.1", self.port, ssl=False) as client:
            client.login("admin", _PASSWORD)
            yield client


class Mailutils(Server):
    """Neither MOVE nor UIDPLUS."""

    package = "mailutils-imap4d"
    removes = False

    def configure(self) -> None:
        for name in ("users", "home"):
            (self.root / name).mkdir()
        (self.root / "imap4d.conf").write_text(
            f'virtdomain {{ passwd-dir "{self.root}/users"; }};\nauth {{ authorization virtdomain; authentication generic; }};\n'
            "mailbox { mailbox-type maildir; };\nlogging { syslog no; };\nmode daemon;\nforeground yes;\n"
            f'server 127.0.0.1:{self.port} {{ transcript no; }};\npidfile "{self.root}/pid";\n'
        )
        (self.root / "users" / "example.org").touch()

    def command(self) -> list[str]:
        return [str(self.tree / "usr/sbin/imap4d"), f"--config-file={self.root}/imap4d.conf", "--foreground", "--daemon"]

    def add_user(self) -> User:
        name = f"user{next(self._numbers)}"
        hashed = subprocess.run(["openssl", "passwd", "-6", _PASSWORD], capture_output=True, check=True, text=True).stdout.strip()
        home = self.root / "home" / name
        home.mkdir()
        os.chown(home, self.owner.pw_uid, self.owner.pw_gid)
        with (self.root / "users" / "example.org").open("a") as users:
            users.write(f"{name}:{hashed}:{self.owner.pw_uid}:{self.owner.pw_gid}:{name}:{home}:/bin/sh\n")
        user = User(f"{name}@example.org", _PASSWORD)
        with self.look(user) as inside:
            inside.flags("INBOX")  # makes it
        return user


class Courier(Server):
    """Folders below `INBOX.`, no MOVE, no UIDNEXT from SELECT.

    Its daemon for sign-ins has its paths compiled in. Here a few lines of ours greet and take LOGIN, then start `imapd` on the connection,
    as Courier's own `imaplogin` does.
    """

    package = "courier-imap"
    prefix = "INBOX."
    _CAPABILITY = "IMAP4rev1 UIDPLUS CHILDREN NAMESPACE THREAD=ORDEREDSUBJECT THREAD=REFERENCES SORT QUOTA IDLE ACL ACL2=UNION"

    def start(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        # It watches files for imapd, which else waits a second for it at every turn.
        watcher = next(self.tree.rglob("gam_server"))
        self._children: list[subprocess.Popen[bytes]] = []
        self._children.append(subprocess.Popen([str(watcher), "--notimeout", ""], env=self.environment, **self._as_owner()))
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for child in self._children:
            child.kill()
            child.wait()

    def make_account(self, user: User) -> None:
        home = self.root / user.name
        for path in (home, home / "Maildir", *(home / "Maildir" / name for name in ("cur", "new", "tmp"))):
            path.mkdir()
            os.chown(path, self.owner.pw_uid, self.owner.pw_gid)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._sign_in, args=(connection,), daemon=True).start()

    def _sign_in(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError), connection:
            connection.sendall(b"* OK Courier-IMAP ready.\r\n")
            while True:
                tag, command, *words = _line(connection).decode().split()
                if command.upper() == "LOGIN":
                    break
                answer = f"* CAPABILITY {self._CAPABILITY}\r\n" if command.upper() == "CAPABILITY" else ""
                connection.sendall(f"{answer}{tag} {'OK' if answer else 'BAD'} done\r\n".encode())
            self._children.append(self._imapd(connection, tag, words[0].strip('"')))

    def _as_owner(self) -> dict[str, Any]:
        return {} if os.geteuid() else {"user": self.owner.pw_uid, "group": self.owner.pw_gid, "extra_groups": []}

    def _imapd(self, connection: socket.socket, tag: str, user: str) -> subprocess.Popen[bytes]:
        home = self.root / user
        settings = {
            "IMAP_CAPABILITY": self._CAPABILITY,
            "IMAP_KEYWORDS": "1",
            "IMAP_ACL": "1",
            "IMAP_IDLE_TIMEOUT": "1",
            "IMAP_USELOCKS": "1",
        }
        who = {"AUTHENTICATED": user, "HOME": str(home), "IMAPLOGINTAG": tag, "TCPREMOTEIP": "127.0.0.1", "TCPREMOTEPORT": "4000"}
        return subprocess.Popen(
            [str(self.tree / "usr/bin/imapd"), "Maildir"],
            cwd=home,
            env=self.environment | settings | who,
            stdin=connection,
            stdout=connection,
            stderr=subprocess.DEVNULL,
            **self._as_owner(),
        )


class WithoutTls:
    """A Dovecot, looked at like the others."""

    prefix = ""
    removes = True
    ca_file = ""

    def __init__(self, server: Dovecot) -> None:
        self.port = server.plain_port
        self.add_user = server.add_user

    look = Server.look


KINDS = {"cyrus": Cyrus, "courier": Courier, "mailutils": Mailutils}


@contextlib.contextmanager
def started(name: str) -> Iterator[Server | WithoutTls]:
    """Run a server: `dovecot`, or one of `KINDS`."""
    if name == "dovecot":
        with dovecot() as running:
            yield WithoutTls(running)
        return
    kind = KINDS[name]
    root = Path(tempfile.mkdtemp(prefix=f"tlsrpt-{name}-", dir="/tmp"))
    root.chmod(0o755)
    server = kind(root, unpacked(kind.package))
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(root, ignore_errors=True)


def unpacked(package: str) -> Path:
    """Return the folder with a package and what it needs beyond this machine; the first time it is fetched."""
    tree = CACHE / package
    if not (tree / "complete").exists():
        shutil.rmtree(tree, ignore_errors=True)
        (tree / "packages").mkdir(parents=True)
        plan = _run("apt-get", "install", "--simulate", "--no-install-recommends", package)
        wanted = [line.split()[1] for line in plan.splitlines() if line.startswith("Inst ")]
        _run("apt-get", "download", *wanted, cwd=tree / "packages")
        for file in (tree / "packages").glob("*.deb"):
            _run("dpkg-deb", "-x", str(file), str(tree))
        (tree / "complete").touch()
    return tree


def _run(*command: str, cwd: Path | None = None) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, check=False, text=True, timeout=300)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


def library_path(tree: Path) -> str:
    """Return where the libraries of an unpacked package are, for `LD_LIBRARY_PATH`."""
    return ":".join(sorted({str(path.parent) for path in tree.rglob("*.so*") if path.is_file()}))


def _line(connection: socket.socket) -> bytes:
    """Read a line and not a byte more: what follows is for another process."""
    line = b""
    while not line.endswith(b"\n"):
        byte = connection.recv(1)
        if not byte:
            raise OSError("closed")
        line += byte
    return line
