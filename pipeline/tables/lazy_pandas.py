"""pyarrow without pandas, for commands that need no frame.

The first array that pyarrow makes of Python values lets it import pandas, to know one when it sees one: a third of a second of processor at
the start of every command and of every worker. When that import fails, pyarrow goes on without; and when somebody asks it for a frame
later, it imports pandas then.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


class _NotNow:
    """A finder that has no pandas."""

    @staticmethod
    def find_spec(name: str, _path: Sequence[str] | None = None, _target: Any = None) -> None:
        """Refuse pandas, and leave all else to the other finders.

        Args:
            name: The module that is imported.

        Raises:
            ImportError: It is pandas.
        """
        if name == "pandas":
            raise ImportError("not needed yet", name=name)


def spare_pandas() -> None:
    """Import pyarrow and let it find no pandas this once; of no effect where pandas is there already."""
    import pyarrow as pa

    if "pandas" in sys.modules:
        return
    finder: Any = _NotNow
    sys.meta_path.insert(0, finder)
    try:
        pa.array([])
    finally:
        sys.meta_path.remove(finder)
