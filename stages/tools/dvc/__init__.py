"""What DVC keeps, and all that is asked of DVC: its pipeline, cache, queue and experiments."""
