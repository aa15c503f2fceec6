"""What keeps a lake small and right: compaction, retention, erasure, vacuum, rebuild, backup, repair."""
