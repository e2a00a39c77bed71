"""Watches a run while it trains, and gives the verdict on it."""
