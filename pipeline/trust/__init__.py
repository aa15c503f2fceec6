"""Whom to believe: DKIM, Authentication-Results, trust tiers."""
