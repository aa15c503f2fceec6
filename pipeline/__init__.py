"""tlsrpt-analytics: reads SMTP TLS reports (RFC 8460) out of a mailbox into a lake of Parquet files, and answers questions on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.query import open_lake as open_lake

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """Import `open_lake` when it is asked for: `tlsrpt --help` shall not wait for Arrow and DuckDB."""
    if name == "open_lake":
        from pipeline.query import open_lake

        return open_lake
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
