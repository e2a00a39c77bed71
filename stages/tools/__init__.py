"""Commands for people, beside the pipeline's stages. `python -m stages` lists them."""
