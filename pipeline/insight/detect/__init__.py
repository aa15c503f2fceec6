"""From failures in the lake to runs of failures with one cause. PURE."""
