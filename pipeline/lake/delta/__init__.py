"""The Delta tables: staging, the one commit protocol, recovery, snapshots, and upgrades of the schema."""
