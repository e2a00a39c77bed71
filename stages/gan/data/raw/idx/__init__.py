"""The format idx: four IDX files of images and labels, like MNIST's."""
