r"""A private Dovecot on loopback, with its own certificate authority, users, passwords and token key.

    with dovecot() as server:
        user = server.add_user()
        server.deliver(user.name, b"From: a@example.org\r\n\r\n")
        ... IMAP on server.port (TLS) and server.plain_port (STARTTLS), trusted by server.ca_file

It runs as root (mail belongs to the user `mail`) and as an ordinary user, needs nothing but the package dovecot-imapd, and uses no
configuration of the machine. The configuration for 2.4 (Debian 13) is written from its documentation and was not run yet; the one
for 2.3 is what the tests run on.
"""

from __future__ import annotations

import base64
import contextlib
import grp
import hashlib
import hmac
import itertools
import json
import os
import pwd
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tests.authority import Authority
from tests.ports import free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator

ISSUER = "https://issuer.test"
NO_MOVE = "IMAP4rev1 SASL-IR LITERAL+ ENABLE IDLE UIDPLUS"
NO_MOVE_NO_UIDPLUS = "IMAP4rev1 SASL-IR LITERAL+ ENABLE IDLE"
NO_IDLE = "IMAP4rev1 SASL-IR LITERAL+ ENABLE UIDPLUS MOVE"
_PASSWORD = "correct horse"
_EXECUTABLES = ("/usr/sbin", "/usr/bin", "/usr/local/sbin")


class DovecotMissingError(RuntimeError):
    """Dovecot is not installed."""


class User(NamedTuple):
    name: str
    password: str


class Dovecot:
    """A running server."""

    host = "localhost"

    def __init__(self, root: Path, capability: str = "", days: tuple[int, int] = (-1, 1)) -> None:
        self.root = root
        self.ca_file = root / "tls" / "ca.pem"
        self.port = 0
        self.plain_port = 0
        self._capability = capability
        self._days = days
        self._secret = os.urandom(32)
        self._numbers = itertools.count(1)
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = pwd.getpwnam("mail") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())

    # -- users and mail --------------------------------------------------------------------------------------------------------

    def add_user(self, name: str = "", password: str = _PASSWORD) -> User:
        """Create an account; without a name one that nobody has."""
        name = name or f"user{next(self._numbers)}@example.org"
        encoded = base64.b64encode(password.encode("utf-8")).decode("ascii")
        # A file for each: Dovecot looks once a second whether a file has changed.
        (self.root / "passwd" / name).write_text(f"{name}:{{PLAIN.b64}}{encoded}::::::\n", encoding="utf-8")
        return User(name, password)

    def deliver(self, user: str, content: bytes, *, folder: str = "INBOX", received_at: datetime | None = None, seen: bool = False) -> None:
        """Put a mail into a folder, as a delivery agent does; INTERNALDATE is the time of the file."""
        self.deliver_all(user, [content], folder=folder, received_at=received_at, seen=seen)

    def deliver_all(
        self, user: str, contents: list[bytes], *, folder: str = "INBOX", received_at: datetime | None = None, seen: bool = False
    ) -> None:
        maildir = self._maildir(user, folder)
        moment = (received_at or datetime.now(UTC)).timestamp()
        for content in contents:
            number = next(self._numbers)
            name = f"{int(moment)}.M{number:09d}P1.test,S={len(content)}"
            waiting = maildir / "tmp" / name
            waiting.write_bytes(content)
            os.utime(waiting, (moment, moment))
            self._give(waiting)
            waiting.rename(maildir / "cur" / f"{name}:2,{'S' if seen else ''}")

    def _maildir(self, user: str, folder: str) -> Path:
        home = self.root / "mail" / user
        maildir = home / "Maildir" if folder == "INBOX" else home / "Maildir" / ("." + folder.replace("/", "."))
        for path in (home, home / "Maildir", maildir, maildir / "tmp", maildir / "new", maildir / "cur"):
            if not path.is_dir():
                path.mkdir()
                self._give(path)
        return maildir

    def _give(self, path: Path) -> None:
        if os.geteuid() == 0:
            os.chown(path, self._owner.pw_uid, self._owner.pw_gid)

    # -- what an administrator does --------------------------------------------------------------------------------------------

    def doveadm(self, *args: str) -> str:
        """Run doveadm and return what it prints."""
        done = subprocess.run(
            [_executable("doveadm"), "-c", str(self.root / "dovecot.conf"), *args], capture_output=True, check=False, timeout=120, text=True
        )
        if done.returncode != 0:
            raise RuntimeError(f"doveadm {' '.join(args)} ended with {done.returncode}: {done.stderr.strip()}")
        return done.stdout

    def kick(self, user: str) -> None:
        """Cut all connections of a user; on a busy machine the server may learn of one a moment late."""
        for _ in range(50):
            try:
                self.doveadm("kick", user)
            except RuntimeError as err:
                if "ended with 68" not in str(err):  # 68: nobody there to kick
                    raise
                time.sleep(0.1)
            else:
                return
        raise RuntimeError(f"{user} never had a connection to kick")

    def set_uidvalidity(self, user: str, uidvalidity: int, folder: str = "INBOX") -> None:
        self.doveadm("mailbox", "update", "-u", user, "--uid-validity", str(uidvalidity), folder)

    def expunge(self, user: str, *uids: int, folder: str = "INBOX") -> None:
        self.doveadm("expunge", "-u", user, "mailbox", folder, "uid", ",".join(map(str, uids)))

    def set_flags(self, user: str, flags: str, *uids: int, folder: str = "INBOX") -> None:
        self.doveadm("flags", "add", "-u", user, flags, "mailbox", folder, "uid", ",".join(map(str, uids)))

    def flags(self, user: str, folder: str = "INBOX") -> dict[int, set[str]]:
        r"""Return UID → flags of a folder; `\Recent` left out, which opening a folder clears."""
        lines = self.doveadm("-f", "tab", "fetch", "-u", user, "uid flags", "mailbox", folder, "all").splitlines()[1:]
        pairs = (line.split("\t") for line in lines)
        return {int(uid): set(flags.split()) - {"\\Recent"} for uid, flags in pairs}

    def folders(self, user: str) -> set[str]:
        return set(self.doveadm("mailbox", "list", "-u", user).split("\n")) - {""}

    def token(self, user: str, *, seconds: int = 600) -> str:
        """Return a signed access token (a JWT, RFC 7519) for a user that is valid for so many seconds; negative: expired."""
        now = int(time.time())
        claims = {"email": user, "iss": ISSUER, "sub": user, "iat": now - 3600, "nbf": now - 3600, "exp": now + seconds}
        signed = b".".join(_base64url(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
        return (signed + b"." + _base64url(hmac.new(self._secret, signed, hashlib.sha256).digest())).decode("ascii")

    # -- starting and stopping -------------------------------------------------------------------------------------------------

    def start(self) -> None:
        self._lay_out()
        for _ in range(3):
            self.port, self.plain_port = free_ports(2)
            (self.root / "dovecot.conf").write_text(self._configuration(), encoding="utf-8")
            self._process = subprocess.Popen(
                [_executable("dovecot"), "-F", "-c", str(self.root / "dovecot.conf")],
                stdin=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            if self._greets():
                return
            self.stop()  # another process took the port in between
        raise RuntimeError(f"dovecot does not start; its log ends with: {self.log()[-2000:]}")

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        # All of its processes, at once: a shut-down takes a second, and one with a client on it goes on.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def log(self) -> str:
        path = self.root / "dovecot.log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def _greets(self) -> bool:
        """Whether the server says hello over TLS; a TCP connection alone succeeds before it can sign anybody in."""
        context = ssl.create_default_context(cafile=self.ca_file)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # it may be out of date on purpose
        end = time.monotonic() + 120
        while time.monotonic() < end and self._process.poll() is None:
            with (
                contextlib.suppress(OSError),
                socket.create_connection(("127.0.0.1", self.port), timeout=2) as plain,
                context.wrap_socket(plain, server_hostname=self.host) as secure,
            ):
                if secure.recv(100).startswith(b"* OK"):
                    return True
            time.sleep(0.02)
        return False

    def _lay_out(self) -> None:
        self.root.chmod(0o755)
        for name in ("run", "state", "tls", "mail", "passwd", "jwt/default/HS256"):
            (self.root / name).mkdir(parents=True, exist_ok=True)
        self._give(self.root / "mail")
        authority = Authority("tlsrpt test CA")
        self.ca_file.write_bytes(authority.certificate_pem)
        certificate, key = authority.issue("localhost", "127.0.0.1", days=self._days)
        (self.root / "tls" / "cert.pem").write_bytes(certificate)
        (self.root / "tls" / "key.pem").write_bytes(key)
        (self.root / "jwt/default/HS256/default").write_bytes(base64.b64encode(self._secret))
        (self.root / "oauth2.conf").write_text(_OAUTH2.format(root=self.root, issuer=ISSUER), encoding="utf-8")

    def _configuration(self) -> str:
        template = _TEMPLATE_2_4 if _version() >= (2, 4) else _TEMPLATE_2_3
        text = template.format(
            root=self.root,
            port=self.port,
            plain_port=self.plain_port,
            uid=self._owner.pw_uid,
            gid=self._owner.pw_gid,
            issuer=ISSUER,
            capability=f"imap_capability = {self._capability}" if self._capability else "",
        )
        if os.geteuid() == 0:
            return text
        return text + _UNPRIVILEGED.format(user=self._owner.pw_name, group=grp.getgrgid(self._owner.pw_gid).gr_name)


@contextlib.contextmanager
def dovecot(root: Path | None = None, *, capability: str = "", days: tuple[int, int] = (-1, 1)) -> Iterator[Dovecot]:
    """Start a server, and stop it at the end.

    Args:
        root: An empty folder with a short path that everybody may enter; default: a new one, removed at the end.
        capability: What the server says it can do, instead of what it can.
        days: From and to how many days from now its certificate is valid.
    """
    _executable("dovecot")
    folder = root or Path(tempfile.mkdtemp(prefix="tlsrpt-dovecot-", dir=_base_folder()))
    server = Dovecot(folder, capability, days)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        if root is None:
            shutil.rmtree(folder, ignore_errors=True)


def _base_folder() -> str:
    """Where to put a server: in memory if there is room, because a mail is a file and files are slow to remove.

    A path under pytest's own folder would be too long for a Unix socket (107 bytes), and closed to the user `mail`.
    """
    with contextlib.suppress(OSError):
        space = os.statvfs("/dev/shm")
        if space.f_bavail * space.f_frsize > 512 * 1024 * 1024 and os.access("/dev/shm", os.W_OK):
            return "/dev/shm"
    return "/tmp"


def _executable(name: str) -> str:
    found = shutil.which(name, path=os.pathsep.join((os.environ.get("PATH", ""), *_EXECUTABLES)))
    if found is None:
        raise DovecotMissingError("Dovecot is not installed; install the package dovecot-imapd")
    return found


def _version() -> tuple[int, int]:
    said = subprocess.run([_executable("dovecot"), "--version"], capture_output=True, check=True, text=True).stdout
    found = re.match(r"(\d+)\.(\d+)", said)
    return int(found[1]), int(found[2])


def _base64url(content: bytes) -> bytes:
    return base64.urlsafe_b64encode(content).rstrip(b"=")


_OAUTH2 = """\
introspection_mode = local
local_validation_key_dict = fs:posix:prefix={root}/jwt/
username_attribute = email
issuers = {issuer}
"""

_TEMPLATE_2_3 = """\
base_dir = {root}/run
state_dir = {root}/state
instance_name = tlsrpt-test
protocols = imap
listen = 127.0.0.1
log_path = {root}/dovecot.log
import_environment = TZ
shutdown_clients = yes
default_vsz_limit = 1G
default_client_limit = 1000
ssl = yes
ssl_cert = <{root}/tls/cert.pem
ssl_key = <{root}/tls/key.pem
ssl_min_protocol = TLSv1.2
disable_plaintext_auth = yes
auth_mechanisms = plain login xoauth2 oauthbearer
auth_failure_delay = 0
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {root}/oauth2.conf
}}
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {root}/passwd/%u
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={root}/mail/%u
}}
first_valid_uid = 1
first_valid_gid = 1
mail_location = maildir:~/Maildir
mail_fsync = never
mail_max_userip_connections = 50
namespace inbox {{
  inbox = yes
  separator = /
}}
protocol imap {{
  {capability}
}}
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service imap-login {{
  inet_listener imap {{
    port = {plain_port}
  }}
  inet_listener imaps {{
    port = {port}
    ssl = yes
  }}
}}
"""

# From https://doc.dovecot.org/2.4.0/installation/upgrade/2.3-to-2.4.html and the pages on passwd-file, static and oauth2.
_TEMPLATE_2_4 = """\
dovecot_config_version = 2.4.0
dovecot_storage_version = 2.4.0
base_dir = {root}/run
state_dir = {root}/state
instance_name = tlsrpt-test
protocols = imap
listen = 127.0.0.1
log_path = {root}/dovecot.log
shutdown_clients = yes
default_vsz_limit = 1G
default_client_limit = 1000
ssl = yes
ssl_server_cert_file = {root}/tls/cert.pem
ssl_server_key_file = {root}/tls/key.pem
ssl_min_protocol = TLSv1.2
auth_allow_cleartext = no
auth_mechanisms = plain login xoauth2 oauthbearer
auth_failure_delay = 0
oauth2 {{
  introspection_mode = local
  username_attribute = email
  issuers = {issuer}
  oauth2_local_validation {{
    dict fs {{
      fs posix {{
        prefix = {root}/jwt/
      }}
    }}
  }}
}}
passdb passwd-file {{
  passwd_file_path = {root}/passwd/%{{user}}
  default_password_scheme = PLAIN
}}
userdb static {{
  fields {{
    uid = {uid}
    gid = {gid}
    home = {root}/mail/%{{user}}
  }}
  userdb_static_allow_all_users = yes
}}
first_valid_uid = 1
first_valid_gid = 1
mail_driver = maildir
mail_path = ~/Maildir
mail_fsync = never
mail_max_userip_connections = 50
namespace inbox {{
  inbox = yes
  separator = /
}}
protocol imap {{
  {capability}
}}
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service imap-login {{
  inet_listener imap {{
    port = {plain_port}
  }}
  inet_listener imaps {{
    port = {port}
    ssl = yes
  }}
}}
"""

_UNPRIVILEGED = """\
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
service imap-login {{
  chroot =
}}
"""
