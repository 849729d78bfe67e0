"""PRDs, epics and tasks: reading, showing, creating, changing, putting away."""
