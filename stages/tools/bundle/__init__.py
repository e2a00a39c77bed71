"""Bundles: packs the results of a run into one file, and checks and unpacks such a file."""
