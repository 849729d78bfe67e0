"""Worktrees and branches of agents: making, listing, removing without loss, conflicts before they happen."""
