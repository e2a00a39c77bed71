"""Sweeps: a question answered by several runs, one on each core."""
