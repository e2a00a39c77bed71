"""Compares every byte with dvc.lock, and names the command that repairs damage."""
