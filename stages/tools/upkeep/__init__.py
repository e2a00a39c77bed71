"""Commands for the set-up and for what earlier runs have left behind."""
