"""The format images: image files in one archive or folder."""
