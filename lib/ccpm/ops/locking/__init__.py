"""Leases: taking, waiting, holding, fencing, and who waits for whom."""
