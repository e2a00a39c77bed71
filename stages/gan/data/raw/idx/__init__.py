"""The format idx: four IDX files of images and labels, as MNIST has them."""
