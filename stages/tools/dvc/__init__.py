"""All access to DVC: its pipeline, cache and experiments.

Only this room imports private modules of DVC. `tests/tools/dvc/test_private.py` lists them.
"""
