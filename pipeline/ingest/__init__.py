"""One ingest, from the lock to the summary: fetch, read, commit, and only then touch the mailbox.

The order is the promise of the commit protocol: a message is marked, moved or deleted only after the batch with its ledger row is
committed, so a run may be killed anywhere and the next one goes on from there.
"""
