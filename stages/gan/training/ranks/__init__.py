"""What the ranks of one run share: their group, sums over all ranks, batch norm over all ranks."""
