"""Sync against a tracker: the local one, and the real gh on a fake GitHub (tests/fakes/github.py)."""
