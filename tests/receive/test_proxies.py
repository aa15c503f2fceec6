"""The proxies of the documentation in front of the receiver: what is posted comes through, with the address that the proxy saw."""

from __future__ import annotations

import gzip
import http.client
import json
import re
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.ports import LOOPBACK, free_port
from tests.published.test_snippets import STARTS, running
from tests.receive.receivers import GZIP, PATIENCE, ROOT, receiver
from tests.report_mails import document

pytestmark = pytest.mark.servers

PAGE = (ROOT / "pipeline" / "docs" / "how-to" / "other-ways-in.md").read_text(encoding="utf-8")
BODY = gzip.compress(json.dumps(document(1)).encode())


def snippet(name: str, port: int, here: int) -> str:
    """The proxy of the page, in the server around it, on ports of our own."""
    text = re.search(rf"```{name}\n(.*?)```", PAGE, re.DOTALL)[1].replace("127.0.0.1:8460", f"{LOOPBACK}:{port}")
    if name == "nginx":
        return f"server {{ listen {LOOPBACK}:{here};\n{text}}}\n"
    return f"http://{LOOPBACK}:{here} {{\nbind {LOOPBACK}\n{text}}}\n"


def post(port: int, body: bytes) -> int:
    there = http.client.HTTPConnection(LOOPBACK, port, timeout=PATIENCE)
    try:
        there.request("POST", "/v1/tlsrpt", body, {"Content-Type": GZIP, "X-Forwarded-For": "203.0.113.9"})
        return there.getresponse().status
    finally:
        there.close()


@pytest.mark.parametrize(("server", "name"), [("nginx", "nginx"), ("caddy", "caddyfile")])
def test_what_is_posted_to_the_proxy_is_kept_with_the_address_that_the_proxy_saw(server, name, tmp_path):
    here = free_port(LOOPBACK)
    with (
        receiver(tmp_path, tls=False, proxies=["127.0.0.2", "127.0.0.1"]) as one,
        tempfile.TemporaryDirectory(prefix="web-", dir="/tmp") as made,
    ):
        folder = Path(made)
        folder.chmod(0o755)
        with running(server, STARTS[server](folder, snippet(name, one.port, here), here), folder):
            assert awaited(here, folder) == 201
            with suppress(OSError):  # the connection is closed before all of it has come
                assert post(here, b"{" * 16 * 1024 * 1024) == 413
        assert one.contents() == [BODY]
        (entry,) = one.spool.entries(one.spool.files()[0])
        assert entry.peer == LOOPBACK, "what the sender says of himself is not believed"


def awaited(port: int, folder: Path) -> int:
    for _ in range(PATIENCE * 10):
        try:
            return post(port, BODY)
        except ConnectionRefusedError:
            time.sleep(0.1)
    raise AssertionError((folder / "said").read_text())
