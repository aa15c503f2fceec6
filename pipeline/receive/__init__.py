"""Reports and mail over HTTPS, kept in the spool before anybody is told that they came (RFC 8460 §3, §5.4)."""
