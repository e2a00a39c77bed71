"""The GAN library that the stages use. It does not depend on DVC or on any stage."""
