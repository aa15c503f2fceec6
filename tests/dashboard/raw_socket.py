"""The socket of the page without a browser: whatever a client may send that the page itself never would."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

PATIENCE = 120


class RawSocket:
    """One connection, which is a session of its own."""

    def __init__(self, socket) -> None:
        self._socket = socket
        self.session = ""

    def send(self, **message: object) -> list[ForwardMsg]:
        """Send a message, and return what comes until the run that it causes has ended."""
        self._socket.send(BackMsg(**message).SerializeToString())
        return list(self._until({"script_finished"}))

    def operate(self, **operation: object) -> ForwardMsg:
        """Ask for an operation beside the runs, and return its answer."""
        request = {"request_id": "1", "session_id": self.session, **operation}
        self._socket.send(BackMsg(backend_operation_request=request).SerializeToString())
        return list(self._until({"backend_operation_response"}))[-1]

    def _until(self, last: set[str]) -> Iterator[ForwardMsg]:
        while True:
            message = ForwardMsg.FromString(self._socket.recv(timeout=PATIENCE))
            if message.WhichOneof("type") == "new_session":
                self.session = message.new_session.initialize.session_id
            yield message
            if message.WhichOneof("type") in last:
                return


@contextmanager
def raw_socket(address: str, cookies: Mapping[str, str]) -> Iterator[RawSocket]:
    """Connect with the cookies of somebody who has signed in."""
    place = address.replace("http", "ws") + "/_stcore/stream"
    names = ["streamlit", *filter(None, [cookies.get("_streamlit_xsrf")])]
    sent = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items()), "Origin": address}
    with connect(place, subprotocols=names, additional_headers=sent, max_size=None, open_timeout=PATIENCE) as socket:
        yield RawSocket(socket)


def text_of(messages: Iterable[ForwardMsg]) -> str:
    """All that was sent, as far as it is text."""
    return "\n".join(message.SerializeToString().decode("utf-8", "replace") for message in messages)
