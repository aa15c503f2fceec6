"""The part of `[trust]` that judging goes by."""

from __future__ import annotations

from typing import Protocol


class TrustRules(Protocol):
    """What the judge reads of `[trust]`; `pipeline.settings.single_tables.TrustSettings` is one."""

    def __hash__(self) -> int:
        """The same for the same rules: a judge is kept by them."""

    @property
    def dkim(self) -> str:
        """`verify`, or `off`: the operator vouches for the mailbox."""

    @property
    def resolver(self) -> str:
        """host:port; empty: the system's."""

    @property
    def dns_timeout(self) -> float:
        """Seconds."""

    @property
    def authserv_ids(self) -> tuple[str, ...]:
        """Servers whose Authentication-Results are believed."""

    @property
    def posted_from(self) -> tuple[str, ...]:
        """Networks for whose posts the operator vouches."""
