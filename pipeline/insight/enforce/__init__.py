"""May a domain go to `enforce`: the verdict, what is missing, and by when. PURE."""
