"""Fetches raw files from a source, and reads images from them. No input is trusted."""
