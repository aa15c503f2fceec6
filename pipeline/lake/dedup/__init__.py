"""What is in the lake already: the ledger, known reports and bytes, and what becomes of each message."""
