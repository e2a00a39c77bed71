"""A network beside its training: checkpoints, sampling, sample grids, the moving average (EMA)."""
