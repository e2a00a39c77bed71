"""Uses and stores networks: checkpoints, sampling, sample grids, the moving average (EMA)."""
