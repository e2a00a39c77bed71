"""Measures of the distance between generated and real images, each with its error and floor.

There is one module per measure. Each takes the judge's features and classes as plain arrays;
`measuring` calls them all. No module here uses networks, files or data sets.
"""
