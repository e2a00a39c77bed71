"""How far generated images are from real ones, and what each figure is worth.

One module a measure, each on the judge's features and classes as plain arrays. A module states the
NAMES of its measures; `measuring` joins the modules, and `stages.gan.measures` says what each name
means. Nothing here knows of networks, files or data sets.
"""
