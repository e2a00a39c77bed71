"""A run's story in one archive: packed, checked, unpacked."""
