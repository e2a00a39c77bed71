"""Makes averages of a generator's weights after its run, of any length."""
