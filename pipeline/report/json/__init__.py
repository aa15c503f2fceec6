"""JSON as a report may be written: strict, bounded, with the member names that were seen. PURE."""
