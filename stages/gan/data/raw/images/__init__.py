"""The format images: pictures in one archive or folder."""
