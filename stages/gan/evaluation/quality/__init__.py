"""Measures of the distance between generated and real images, each with its error and floor.

There is one module per measure. Each takes the judge's features and classes as plain arrays, and
states the NAMES of its measures. `measuring` calls them all, and `measures.table` says what
each name means. No module here uses networks, files or data sets.
"""
