"""Uses of a trained model: draw images, or ask the discriminator about images."""
