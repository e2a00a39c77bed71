"""Helpers that every other package may use: files, paths, random numbers, errors, processes."""
