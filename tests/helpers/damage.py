"""Damaging files so that nothing but their bytes tells of it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def restored(*files: Path) -> Iterator[None]:
    """Put files back afterwards, whatever was done to them; a folder in their place is an error."""
    before = {file: (file.read_bytes(), file.stat()) for file in files}
    try:
        yield
    finally:
        for file, (content, status) in before.items():
            file.unlink(missing_ok=True)
            file.write_bytes(content)
            file.chmod(status.st_mode)
            os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))


def rewrite(file: Path, content: bytes) -> None:
    """Replace a file's bytes in place, leaving its mode and its time of modification as they were.

    With as many bytes as before nothing that DVC looks at has changed.
    """
    status = file.stat()
    file.chmod(status.st_mode | 0o200)
    with file.open("r+b") as opened:
        opened.write(content)
        opened.truncate()
    file.chmod(status.st_mode)
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))


def flip(file: Path, position: int, bits: int = 1) -> None:
    """Change one byte so."""
    content = bytearray(file.read_bytes())
    content[position] ^= bits
    rewrite(file, bytes(content))
