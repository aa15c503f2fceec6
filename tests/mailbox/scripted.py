"""An IMAP server that follows a script: for what no real server can be made to say."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

READY = b"* OK ready\r\n"

Answers = dict[bytes, bytes | list[bytes]]


class Scripted:
    """Says hello, tells its capabilities, and answers commands as told; TAG stands for the tag. What it does not know is BAD."""

    def __init__(self, hello: bytes, capability: bytes, answers: Answers, patience: float) -> None:
        self._patience = patience
        self.lines: list[bytes] = []
        self._hello, self._capability, self._answers = hello, capability, {key: _listed(answer) for key, answer in answers.items()}
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(timeout=5)

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                with contextlib.suppress(OSError), connection, connection.makefile("rwb") as file:
                    self._talk(file)

    def _talk(self, file) -> None:
        time.sleep(self._patience)
        file.write(self._hello)
        file.flush()
        tag = command = b""
        for line in file:
            self.lines.append(line)
            words = line.split()
            if len(words) > 1:  # else the rest of a command: an answer to `+`
                tag, command = words[:2]
            if command.upper() == b"CAPABILITY":
                file.write(b"* CAPABILITY " + self._capability + b"\r\n" + tag + b" OK done\r\n")
            else:
                known = next((answers for key, answers in self._answers.items() if key in line.upper()), [b"TAG BAD unknown command\r\n"])
                file.write((known.pop(0) if len(known) > 1 else known[0]).replace(b"TAG", tag))
            file.flush()
            if command.upper() == b"LOGOUT":
                return


@contextlib.contextmanager
def scripted(
    hello: bytes = READY, *, capability: bytes = b"IMAP4rev1", answers: Answers | None = None, patience: float = 0.0
) -> Iterator[Scripted]:
    """Run such a server.

    Args:
        hello: The greeting.
        capability: What CAPABILITY answers.
        answers: What is found in a command line (upper-case) → the answer, or answers one after the other, the last of which stays.
        patience: Seconds before the greeting.
    """
    server = Scripted(hello, capability, answers or {}, patience)
    try:
        yield server
    finally:
        server.close()


def _listed(answer: bytes | list[bytes]) -> list[bytes]:
    return list(answer) if isinstance(answer, list) else [answer]
