"""Notices: what is new, worse or over, said once on each channel; delivered at least once, with a key by which a repeat is known."""
