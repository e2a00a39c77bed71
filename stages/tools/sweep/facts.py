"""On what an experiment is made: the kind of processor and MindSpore's version decide its bits."""

import hashlib
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from stages.gan.common.language import marked
from stages.tools.dvc import revisions

# In commits and between machines it is English.
NOT_INSTALLED = marked("not installed")
_CODE = (Path(__file__).parent, Path(__file__).parents[1] / "dvc")


def machine() -> str:
    """The processor, the system and MindSpore's version, in one line."""
    return f"{processor()}, {platform.system()} {platform.machine()}, MindSpore {mindspore()}"


def trailer() -> str:
    """The line of a commit's message that names this machine."""
    return f"{revisions.MADE_ON}: {machine()}"


def processor() -> str:
    """The processor's name; its kind if the system does not give the name."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # not Linux
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return " ".join(names[0].split()) if names else platform.processor() or platform.machine()


def mindspore() -> str:
    """MindSpore's version, without importing it."""
    try:
        return version("mindspore")
    except PackageNotFoundError:
        return NOT_INSTALLED


def code() -> str:
    """A hash of the code with which a sweep and its workers talk with each other."""
    files = sorted(file for folder in _CODE for file in folder.glob("*.py"))
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()[:12]
