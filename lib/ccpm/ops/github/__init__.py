"""GitHub under one budget for all agents."""
