"""What evaluation measures: the list of all measures, and what they say of a run in one line."""
