"""The lecture's failing run, and two repaired ones beside it."""
