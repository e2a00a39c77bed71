"""Trains a GAN: the loop over epochs, and the parts of a run."""
