"""From a source to raw files, and from raw files to images: nothing here trusts its input."""
