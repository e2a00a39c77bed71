"""An object that does harm if somebody unpickles it."""

from pathlib import Path


class Trap:
    """Unpickling this makes a file."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self):
        return Path.touch, (self.file,)
