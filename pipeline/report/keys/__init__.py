"""Which reports are the same: identity, report key, and the digest of the content. PURE."""
