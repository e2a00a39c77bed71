import shutil
from pathlib import Path

import pytest

from stages.gan.layers import kernels
from stages.gan.params.fingerprints import code_in_use, fingerprint
from tests.helpers.project import ROOT, Project

PRINT = """
import sys
from pathlib import Path
from stages.gan.common import files
from stages.gan.layers import kernels as native
from stages.gan.params.fingerprints import fingerprint
print(fingerprint({"a": 1}, [Path(sys.argv[1])]))
"""


@pytest.fixture
def data(tmp_path):
    file = tmp_path / "data.npy"
    file.write_bytes(b"12345")
    return file


def test_equal_things_have_one_number_wherever_they_lie(data, tmp_path):
    number = fingerprint({"rate": 0.1, "size": 2}, [data])
    (tmp_path / "other").mkdir()
    copy = shutil.copy(data, tmp_path / "other")
    assert fingerprint({"size": 2, "rate": 0.1}, [Path(copy)]) == number
    assert len(number) == 64


def test_each_part_changes_it(data):
    number = fingerprint({"rate": 0.1}, [data])
    assert fingerprint({"rate": 0.2}, [data]) != number
    assert fingerprint({"rate": 0.1}, []) != number
    assert fingerprint({"rate": 0.1}, [data, data]) != number
    data.write_bytes(b"12346")
    assert fingerprint({"rate": 0.1}, [data]) != number


def test_the_code_changes_it(data, tmp_path):
    shutil.copytree(ROOT / "stages", tmp_path / "stages")

    def number() -> str:
        return Project(tmp_path).run("python", "-c", PRINT, str(data)).stdout

    first = number()
    # What is not imported, nor beside what is.
    for name in ("gan/report_of_nothing.py", "gan/losses/__init__.py", "gan/networks/dcgan/maps.c"):
        with (tmp_path / "stages" / name).open("a") as file:
            file.write("# changed\n")
    assert number() == first
    for name in ("gan/common/files.py", "gan/layers/kernels/kernel.h"):
        with (tmp_path / "stages" / name).open("a") as file:
            file.write("\n")
        assert number() != first
        first = number()


def test_code_in_use_is_what_was_imported():
    assert kernels.__file__ is not None  # it is imported here
    names = {file.name for file in code_in_use()}
    assert {"fingerprints.py", "files.py", "normalisation.c"} <= names
    assert "test_fingerprints.py" not in names
