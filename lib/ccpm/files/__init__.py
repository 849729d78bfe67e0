"""Effects on disk: the coordination root, guards, atomic replacement, records, events, process identity."""
