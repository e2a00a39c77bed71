"""How far generated images are from real ones, and what each figure is worth.

One module a measure, each on the judge's features and classes as plain arrays; `measuring` joins
them. Nothing here knows of networks, files or data sets.
"""
