"""The data sets: fetch raw files, read them as images, and prepare the arrays for training."""
