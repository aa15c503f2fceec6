"""The program behind `tlsrpt dashboard`: Streamlit with its own command line, and beside it what prepares the answers.

Streamlit first runs `app.py` when somebody looks; what is slow has begun by then.

Whatever asks it to end, and whenever, ends it without a trace: it writes nothing that could be left half done. The ordinary end of a Python
takes the ground from under threads that work in DuckDB or Arrow, and the process aborts; so none of it happens here.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from types import FrameType

_TURN_SECONDS = 0.0005
"""How long a thread that works out conclusions may keep the interpreter from one that draws; Python's own 5 ms are lost at every step."""


def main() -> NoReturn:
    """Run until the process ends."""
    sys.setswitchinterval(_TURN_SECONDS)
    # Also as the first process of a container, which no default would end.
    for asks in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(asks, _end)
    from streamlit.web import bootstrap
    from streamlit.web.cli import main as streamlit

    from dashboard import shield, warm

    # Streamlit's own way to end says so first, and where nobody reads that any more, it never ends.
    bootstrap._set_up_signal_handler = lambda server: None  # noqa: SLF001, ARG005 -- there is no other way in
    shield.install()
    warm.start()
    try:
        streamlit(prog_name="streamlit")
    except SystemExit as err:
        _leave(err.code if isinstance(err.code, int) else int(err.code is not None))
    _leave(0)


def _end(_signal: int, _frame: FrameType | None) -> None:
    _leave(0)


def _leave(code: int) -> NoReturn:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, RuntimeError, ValueError):  # closed, or in the middle of a line when the signal came
            continue
    os._exit(code)


if __name__ == "__main__":
    main()
