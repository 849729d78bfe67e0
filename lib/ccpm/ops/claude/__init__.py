"""Claude Code: what its hooks decide and do, and how they are wired."""
