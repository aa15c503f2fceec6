"""The lake: Delta tables, one commit protocol, rebuild, maintenance."""
