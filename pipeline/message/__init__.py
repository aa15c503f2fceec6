"""A message before and after it is read: where it came from, who reports, and the verdict on it."""
