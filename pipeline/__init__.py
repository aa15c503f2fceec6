"""tlsrpt-analytics: reads SMTP TLS reports (RFC 8460) out of a mailbox into a lake of Parquet files, and answers questions on it."""

__version__ = "0.1.0"
