"""How a GAN is trained: the loop over epochs, and what a run is put together from."""
