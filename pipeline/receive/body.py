"""The body of a request, within bounds on its size, on its time, and on what all bodies take together."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect

if TYPE_CHECKING:
    from starlette.requests import Request

ALL_BODIES_BYTES = 128 * 1024 * 1024
"""What is held in memory of all requests at a time."""
_OF_REFUSED = 1024 * 1024
"""So much of a body that is refused is read and dropped, for a sender that reads no answer before it has sent all."""


class Refused(Exception):  # noqa: N818 -- an answer, no error
    """The request is answered with a status and a constant sentence, never with anything it said."""

    def __init__(self, status: int, why: str, **headers: str) -> None:
        super().__init__(why)
        self.status = status
        self.why = why
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


class Bodies:
    """Reads bodies."""

    def __init__(self, *, most: int, seconds: float, together: int = ALL_BODIES_BYTES) -> None:
        """Set the bounds: bytes of one body, seconds it may take, bytes of all of them."""
        self._most, self._seconds, self._together = most, seconds, max(together, most)
        self._held = 0

    async def read(self, request: Request) -> bytes:
        """Return the whole body. Give it back with `release` when it is no longer held.

        Raises:
            Refused: 413 too large, 408 too slow, 503 too much at a time, 400 empty.
        """
        announced = request.headers.get("content-length", "0")
        if int(announced) > self._most:  # h11 has seen that it is a number
            raise self._too_large()
        parts = bytearray()
        try:
            async with asyncio.timeout(self._seconds):
                async for piece in request.stream():
                    self._hold(piece, len(parts))
                    parts += piece
        except TimeoutError as err:
            self._held -= len(parts)
            raise Refused(408, f"the body did not come within {self._seconds:g} seconds") from err
        except BaseException:
            self._held -= len(parts)
            raise
        if not parts:
            raise Refused(400, "the body is empty")
        return bytes(parts)

    def _hold(self, piece: bytes, before: int) -> None:
        if before + len(piece) > self._most:
            raise self._too_large()
        if self._held + len(piece) > self._together:
            raise Refused(503, "too much is being received at the moment", retry_after="10")
        self._held += len(piece)

    def release(self, content: bytes) -> None:
        """Give the room of a body back."""
        self._held -= len(content)

    async def drop(self, request: Request) -> None:
        """Read a little of a body that is refused, for no longer than a body may take."""
        dropped = 0
        try:
            async with asyncio.timeout(self._seconds):
                async for piece in request.stream():
                    dropped += len(piece)
                    if dropped > _OF_REFUSED:
                        return
        except (TimeoutError, ClientDisconnect, RuntimeError):  # RuntimeError: it was read to its end
            return

    def _too_large(self) -> Refused:
        return Refused(413, f"the body is larger than {self._most:,} bytes")
