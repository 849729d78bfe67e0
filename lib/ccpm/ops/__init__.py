"""Use cases, one module a noun: take the guard, load, let core decide, write, log the event."""
