"""CCPM: plans kept as markdown, worked on by many agents at once. See docs/CONCURRENCY.md."""

__version__ = "0.1.0"
