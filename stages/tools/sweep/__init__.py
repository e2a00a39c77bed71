"""Sweeps: answer a question by several training runs, one on each core."""
