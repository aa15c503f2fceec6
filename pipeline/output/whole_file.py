"""Replaces a file as a whole: a reader sees the old one or the new one, and a link of its name is replaced and not followed."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def replace_file(target: Path, content: bytes, *, mode: int | None = None) -> None:
    """Write a file beside its place and put it there.

    Args:
        target: Where; its folder is there.
        content: All that the file holds afterwards.
        mode: Who may read it; by the mask of the process where it is not given.

    Raises:
        OSError: It cannot be written.
    """
    waiting = target.parent / f".tlsrpt-{secrets.token_hex(8)}"
    try:
        with waiting.open("xb") as file:
            file.write(content)
        if mode is not None:
            waiting.chmod(mode)
        waiting.replace(target)
    except BaseException:
        waiting.unlink(missing_ok=True)
        raise
