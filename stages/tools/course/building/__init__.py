"""Builds what students open from the sources of the parts: notebooks and hidden answers."""
