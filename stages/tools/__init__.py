"""The commands that a person runs beside the pipeline: python -m stages lists them."""
