"""The data, as data/<data set>/ has it: raw as it was fetched, prepared as training reads it."""
