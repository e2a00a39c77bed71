"""Which gap sees which: runs that are healthy, young, saturated, swinging, or have one mode."""
