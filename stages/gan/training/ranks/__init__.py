"""What several workers of one run share: their group, sums over it, batch norm over it."""
