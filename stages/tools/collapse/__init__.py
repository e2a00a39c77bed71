"""Runs the lecture's failing training, and two repaired runs to compare."""
