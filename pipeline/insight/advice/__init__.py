"""What an incident means and what to do about it, in words. PURE."""
