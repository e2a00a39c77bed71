"""Saving the whole state of a run, and resuming from it."""
