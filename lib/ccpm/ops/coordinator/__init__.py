"""The coordinator: merges what passes the check, and never breaks the epic's branch."""
