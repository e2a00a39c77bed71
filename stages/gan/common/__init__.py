"""Helpers for every other package: files, paths, random numbers, errors, locks, unfinished runs."""
