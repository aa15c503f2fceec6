"""What proves the sender of a report: DKIM, Authentication-Results, and the trust tiers that follow from them."""
