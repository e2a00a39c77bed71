"""What DVC keeps, and all that is asked of DVC: its pipeline, cache, queue and experiments.

DVC's private modules are imported in this room alone. `tests/tools/dvc/test_private.py` lists them.
"""
