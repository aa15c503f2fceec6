"""The web-server snippets of `policy render` on the servers they are for: what they serve is the policy, as senders want it.

A server that is not installed runs from its unpacked Debian package, as the mail servers of `tests/mailbox` do.
"""

from __future__ import annotations

import contextlib
import http.client
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pipeline.published.render import render
from pipeline.published.web import PATH, PolicyAnswer, Trouble, fetch
from tests.authority import Authority
from tests.mailbox.servers import library_path, unpacked
from tests.ports import LOOPBACK, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.servers

HOST = "mta-sts.example.org"
PROGRAMS = {"nginx": "nginx", "caddy": "caddy", "apache": "apache2-bin"}


def _nginx(folder: Path, snippet: str, _port: int) -> list[str]:
    (folder / "c").write_text(
        f"daemon off; pid {folder}/pid; error_log stderr; events {{}}\nhttp {{ access_log off; gzip on; gzip_types *;\n"
        "default_type application/octet-stream;\n"
        + "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        + f"{snippet}}}\n"
    )
    return ["nginx", "-c", f"{folder}/c", "-e", "stderr"]


def _caddy(folder: Path, snippet: str, port: int) -> list[str]:
    # A certificate of our own instead of one from a public CA; nothing else is changed.
    own = snippet.replace(f"{HOST} {{", f"{HOST}:{port} {{\n    bind {LOOPBACK}\n    tls {folder}/fullchain.pem {folder}/privkey.pem", 1)
    (folder / "c").write_text(f"{{\n    admin off\n    auto_https disable_redirects\n    storage file_system {folder}/store\n}}\n{own}")
    return ["caddy", "run", "--config", f"{folder}/c", "--adapter", "caddyfile"]


def _apache(folder: Path, snippet: str, port: int) -> list[str]:
    modules = ("mpm_event", "authz_core", "ssl", "alias", "mime", "env", "deflate", "filter", "socache_shmcb")
    loads = "".join(f"LoadModule {name}_module MODULES/mod_{name}.so\n" for name in modules)
    (folder / "c").write_text(
        f"ServerRoot {folder}\nServerName localhost\nPidFile {folder}/pid\nErrorLog {folder}/log\nTypesConfig /dev/null\n{loads}"
        f"Listen {LOOPBACK}:{port}\nUser nobody\nGroup nogroup\nSetOutputFilter DEFLATE\n{snippet}"
    )
    return ["apache2", "-D", "FOREGROUND", "-f", f"{folder}/c"]


STARTS = {"nginx": _nginx, "caddy": _caddy, "apache": _apache}


@contextlib.contextmanager
def running(name: str, command: list[str], folder: Path) -> Iterator[None]:
    """Run a server, and end it."""
    tree = Path("/") if shutil.which(command[0], path="/usr/sbin:/usr/bin") else unpacked(PROGRAMS[name])
    program = shutil.which(command[0], path=f"{tree}/usr/sbin:{tree}/usr/bin")
    (folder / "c").write_text((folder / "c").read_text().replace("MODULES", f"{tree}/usr/lib/apache2/modules"))
    environment = {"HOME": str(folder), "PATH": "/usr/bin:/bin"}
    if tree != Path("/"):
        environment["LD_LIBRARY_PATH"] = library_path(tree)
    with (folder / "said").open("wb") as said:
        server = subprocess.Popen([program, *command[1:]], stdout=said, stderr=said, env=environment)
    try:
        yield
    finally:
        server.terminate()
        server.wait(20)


def awaited(port: int, folder: Path) -> PolicyAnswer | Trouble:
    """Fetch the policy as a check does, when the server has begun to listen."""
    answer = Trouble("unreachable", "")
    for _ in range(100):
        answer = fetch(HOST, [LOOPBACK], port=port, ca_file=str(folder / "ca.pem"))
        if isinstance(answer, PolicyAnswer) or answer.kind != "unreachable":
            return answer
        time.sleep(0.1)
    return answer._replace(says=answer.says + (folder / "said").read_text())


def asked(port: int, ca_file: Path, path: str) -> tuple[int, str | None, bytes]:
    """Ask as somebody who would take a compressed answer: status, encoding and body."""
    asking = http.client.HTTPSConnection(HOST, port, context=ssl.create_default_context(cafile=str(ca_file)), timeout=10)
    asking._create_connection = lambda *_: socket.create_connection((LOOPBACK, port), 10)
    with contextlib.closing(asking):
        asking.request("GET", path, headers={"Accept-Encoding": "gzip"})
        answer = asking.getresponse()
        return answer.status, answer.getheader("Content-Encoding"), answer.read()


@pytest.mark.parametrize("name", ["nginx", "caddy", "apache"])
def test_the_snippet_serves_the_policy_as_senders_want_it(name):
    rendered = render("example.org", "testing", 86_400, ["mx.example.org"], datetime.now(UTC))
    ours, port = Authority("Our CA"), free_port(LOOPBACK)
    with tempfile.TemporaryDirectory(prefix="web-", dir="/tmp") as made:  # shorter than pytest's, and readable by the server's user
        folder = Path(made)
        folder.chmod(0o755)
        certificate, key = ours.issue(HOST, days=(-10, 80))
        for file, content in (("fullchain.pem", certificate), ("privkey.pem", key), ("ca.pem", ours.certificate_pem)):
            (folder / file).write_bytes(content)
        (folder / "www").mkdir()
        (folder / "www" / "mta-sts.txt").write_bytes(rendered.policy.encode())
        snippet = rendered.servers[name].replace(f"/etc/letsencrypt/live/{HOST}", str(folder)).replace(f"/var/www/{HOST}", f"{folder}/www")
        snippet = re.sub(r"\n *listen \[::\]:443 ssl;", "", snippet)
        snippet = re.sub(
            r"(listen |VirtualHost \*:)443", lambda match: f"{match[1].replace('listen ', f'listen {LOOPBACK}:')}{port}", snippet
        )
        with running(name, STARTS[name](folder, snippet, port), folder):
            answer = awaited(port, folder)
            assert isinstance(answer, PolicyAnswer), answer
            assert (answer.status, answer.media_type, answer.encoding) == (200, "text/plain", "")
            assert answer.body == rendered.policy.encode()
            assert asked(port, folder / "ca.pem", "/")[0] == 404
            assert asked(port, folder / "ca.pem", PATH) == (200, None, answer.body)  # not compressed, also for who would take it
