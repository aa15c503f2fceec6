"""Where mail comes from: IMAP, and files."""
