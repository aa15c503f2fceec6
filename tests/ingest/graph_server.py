"""A mailbox at a server that speaks Microsoft Graph as it is documented; no server of Microsoft's was ever asked.

From the pages of Graph v1.0 on `message`, `mailFolder`, `$value`, `move`, paging, throttling, immutable ids and errors. It throttles, lets
tokens expire, and refuses whoever does not ask for immutable ids.
"""

from __future__ import annotations

import itertools
import json
import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

USER = "tls-reports@example.org"
_FIRST_MINUTE = 29_600_000


class Mailbox:
    """What the server holds."""

    def __init__(self) -> None:
        self.folders = {"id/inbox=": "Posteingang", "id/done=": "Erledigt"}
        self.messages: dict[str, tuple[str, bytes, int]] = {}
        """By immutable id: folder id, MIME, minute received."""
        self.read: set[str] = set()
        self.lock = threading.Lock()
        self.token = "first"
        self.tokens_asked = 0
        self.throttle_every = 0
        self.retry_after = "0"
        self.expire_every = 0
        self.refuse: dict[str, str] = {}
        """By method: the code of a 403."""
        self.page = 3
        self.asked: list[str] = []
        self.between: list = []
        """Called once each, before an answer: what happens meanwhile."""
        self.cut_value = False
        self._numbers = itertools.count()
        self.url = self.here = ""
        """What it says where it is, and where it is."""

    def deliver(self, content: bytes) -> str:
        number = next(self._numbers)
        name = f"AAkALg{number:04}/x+y="
        self.messages[name] = ("id/inbox=", content, _FIRST_MINUTE + number)
        return name

    def inbox(self) -> list[bytes]:
        return [content for folder, content, _ in self.messages.values() if folder == "id/inbox="]

    def folder_of(self, name: str) -> str | None:
        return "id/inbox=" if name == "inbox" else name if name in self.folders else None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    box: Mailbox

    def log_message(self, *_words) -> None:
        pass

    def _any(self) -> None:
        box = self.box
        size = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(size)) if size else {}
        with box.lock:
            box.asked.append(f"{self.command} {self.path}")
            if box.between:
                box.between.pop(0)()
            count = len(box.asked)
            if box.throttle_every and count % box.throttle_every == 0:
                return self._error(429, "ApplicationThrottled", {"Retry-After": box.retry_after})
            if box.expire_every and count % box.expire_every == 0:
                box.token += "x"
            if self.headers.get("Authorization") != f"Bearer {box.token}":
                return self._error(401, "InvalidAuthenticationToken")
            if self.command in box.refuse:
                return self._error(403, box.refuse[self.command])
            if 'IdType="ImmutableId"' not in self.headers.get("Prefer", ""):
                return self._error(400, "ImmutableIdsAreWanted")
            return self._route(body)

    do_GET = do_POST = do_PATCH = do_DELETE = _any  # noqa: N815

    def _route(self, body: dict) -> None:  # noqa: PLR0911
        box, parts = self.box, urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        path = [unquote(part) for part in parts.path.split("/")[1:]]
        if path[:3] != ["v1.0", "users", USER]:
            return self._error(404, "ErrorInvalidUser")
        match path[3:]:
            case ["mailFolders"]:
                wanted = re.fullmatch(r"displayName eq '(.*)'", query["$filter"])[1].replace("''", "'")
                return self._json({"value": [{"id": name} for name, shown in box.folders.items() if shown == wanted]})
            case ["mailFolders", name]:
                folder = box.folder_of(name)
                if folder is None:
                    return self._error(404, "ErrorItemNotFound")
                return self._json({"id": folder, "totalItemCount": sum(each[0] == folder for each in box.messages.values())})
            case ["mailFolders", name, "childFolders"]:
                return self._json({"value": []})
            case ["mailFolders", name, "messages"]:
                return self._list(box.folder_of(name), query)
            case ["messages", name, *rest] if name in box.messages:
                return self._message(name, rest, body)
        return self._error(404, "ErrorItemNotFound")

    def _list(self, folder: str | None, query: dict[str, str]) -> None:
        if folder is None:
            return self._error(404, "ErrorItemNotFound")
        box, start = self.box, int(query.get("$skip", 0))
        found = sorted((minute, name) for name, (where, _, minute) in box.messages.items() if where == folder)
        page = {"value": [{"id": name, "receivedDateTime": _written(minute)} for minute, name in found[start : start + box.page]]}
        if start + box.page < len(found):
            page["@odata.nextLink"] = f"{box.url}{urlsplit(self.path).path}?$skip={start + box.page}"
        return self._json(page)

    def _message(self, name: str, rest: list[str], body: dict) -> None:
        box = self.box
        folder, content, minute = box.messages[name]
        if self.command == "GET" and rest == ["$value"]:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: len(content) // 2] if box.cut_value else content)
            self.close_connection = box.cut_value
        elif self.command == "PATCH":
            box.read |= {name} if body == {"isRead": True} else set()
            self._json({})
        elif self.command == "DELETE":
            del box.messages[name]
            self.send_response(204)
            self.end_headers()
        elif rest == ["move"]:
            box.messages[name] = (box.folder_of(body["destinationId"]) or folder, content, minute)
            self._json({"id": name}, 201)

    def _json(self, value: dict, status: int = 200, headers: dict[str, str] | None = None) -> None:
        content = json.dumps(value).encode()
        self.send_response(status)
        for head, said in {"Content-Type": "application/json", "Content-Length": str(len(content)), **(headers or {})}.items():
            self.send_header(head, said)
        self.end_headers()
        self.wfile.write(content)

    def _error(self, status: int, code: str, headers: dict[str, str] | None = None) -> None:
        self._json({"error": {"code": code, "message": "words \x1b[31m of a server", "innerError": {}}}, status, headers)


def _written(minute: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(minute * 60, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@contextmanager
def graph_server() -> Iterator[Mailbox]:
    """Run it, and end it."""
    box = Mailbox()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"box": box}))
    server.daemon_threads = True
    box.url = box.here = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield box
    finally:
        server.shutdown()
        server.server_close()
        thread.join(120)


def configuration(box: Mailbox, token_file, **settings) -> str:
    """The section of a mailbox whose token a file holds."""
    given = {"name": "m365", "kind": "graph", "host": "127.0.0.1", "tls": "none", "user": USER, **settings}
    lines = [f"{name} = {json.dumps(value)}" for name, value in given.items()] + [f"port = {urlsplit(box.url).port}"]
    command = ["/bin/cat", str(token_file)]
    return "[[mailbox]]\n" + "\n".join(lines) + f'\n[mailbox.oauth2]\nprovider = "command"\ntoken_command = {json.dumps(command)}\n'
