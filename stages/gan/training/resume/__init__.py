"""Saves the whole state of a run, and resumes the run from it."""
