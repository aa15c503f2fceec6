"""Sentences beside an answer: on standard error, folded between words where that is a terminal."""

from __future__ import annotations

import shutil
import sys


def note(sentence: str) -> None:
    """Write a sentence to standard error, after the name of the program.

    Args:
        sentence: Ours; what strangers wrote in it must be escaped already.
    """
    whole = f"tlsrpt: {sentence}\n"
    if sys.stderr.isatty():
        from pipeline.output.layout import folded

        whole = folded(whole, shutil.get_terminal_size().columns)
    sys.stderr.write(whole)
    sys.stderr.flush()
