"""The outside world: one reader or writer for each kind of file."""
