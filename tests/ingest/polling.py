"""What the tests of a run share: a configuration file for a mailbox, and what the lake says afterwards."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from tests.lake.content import rows, sums


class Setup(NamedTuple):
    config: Path
    lake: Path

    def argv(self, *words: str) -> list[str]:
        return ["--config", str(self.config), "--lake", str(self.lake), "ingest", "--format", "json", "--workers", "0", *words]


def setup(place: Path, server, user, *, name: str = "rua", port: int | None = None, more: str = "", **settings) -> Setup:
    """Write a configuration for one mailbox; values are TOML by way of JSON."""
    password = place / "password"
    password.write_text(user.password, encoding="utf-8")
    given = {
        "name": name,
        "host": "localhost",
        "port": port or server.port,
        "ca_file": str(server.ca_file),
        "user": user.name,
        "password_file": str(password),
        "connect_timeout": 30.0,
        "read_timeout": 60.0,
        **settings,
    }
    lines = ["[[mailbox]]", *(f"{key} = {json.dumps(value)}" for key, value in given.items())]
    config = place / "tlsrpt.toml"
    config.write_text("\n".join(lines) + "\n" + more, encoding="utf-8")
    return Setup(config, place / "lake")


def outcomes(lake: Path) -> dict[str, int]:
    """Ledger rows by outcome."""
    counts: dict[str, int] = {}
    for row in rows(lake, "messages"):
        counts[row["outcome"]] = counts.get(row["outcome"], 0) + 1
    return counts


def ledger_keys(lake: Path) -> list[tuple]:
    return sorted((row["account"], row["folder"], row["uidvalidity"], row["uid"]) for row in rows(lake, "messages"))


def sessions(lake: Path) -> int:
    """Successful sessions of counted reports."""
    return sums(lake)[0]
