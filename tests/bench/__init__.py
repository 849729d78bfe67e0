"""Benchmarks: `make bench` measures and writes docs/BENCHMARKS.md. See __main__.py."""
