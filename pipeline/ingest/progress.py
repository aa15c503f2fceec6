"""What a run says of itself while it works."""

from __future__ import annotations


class Progress:
    """Says nothing; the command line has one that draws bars."""

    def begin(self, what: str, total: int | None) -> None:
        """A mailbox folder or an import begins, with so many messages (None: not known)."""

    def advance(self, messages: int) -> None:
        """So many more messages are read."""

    def end(self) -> None:
        """The folder or import is done."""
