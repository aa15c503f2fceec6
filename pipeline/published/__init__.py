"""What a domain publishes: TXT records, policy, TLSA; checked live and held against what senders saw."""
