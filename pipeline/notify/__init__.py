"""Notices: what is new, worse or over, sent once to each configured channel, and remembered until it was."""
