"""Measures how good a generator is: with a judge's features, and with a critic."""
