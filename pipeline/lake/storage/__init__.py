"""Where the files of a lake lie, and its one writer: a folder with a lock, or a bucket with a lease."""
