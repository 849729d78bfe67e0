"""Agents and what is theirs: registry, streams of work, requests, messages, git's hooks."""
