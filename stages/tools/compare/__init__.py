"""Compares finished runs on one page."""
