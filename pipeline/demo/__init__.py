"""A deterministic synthetic world, its report mails, and the servers that show the whole way."""
