import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.gan.data.prepared import array_files
from tests.helpers.project import ROOT

MEGABYTE = 1 << 20


@pytest.mark.parametrize("kind", [np.uint8, np.float16, np.float32])
@pytest.mark.parametrize("shape", [(7,), (5, 3), (6, 3, 4, 4), (0, 2)])
def test_file_is_the_one_that_numpy_writes(tmp_path, kind, shape):
    values = np.random.default_rng(1).integers(0, 99, shape).astype(kind)
    file = array_files.make(tmp_path, "ours", shape, kind)
    for start in reversed(range(len(values))):  # in any order
        file.write(start, values[start : start + 1])
    np.save(tmp_path / "numpy.npy", values)
    assert file.path.read_bytes() == (tmp_path / "numpy.npy").read_bytes()


def test_rows_are_read_in_the_order_asked_for(tmp_path):
    file = array_files.make(tmp_path, "a", (5, 2), np.float32)
    values = np.arange(10, dtype=np.float32).reshape(5, 2)
    file.write(0, values)
    assert np.array_equal(file[np.array([4, 0, 4])], values[[4, 0, 4]])


def test_rows_that_do_not_lie_together_in_memory_are_written(tmp_path):
    file = array_files.make(tmp_path, "a", (3, 4), np.uint8)
    values = np.arange(12, dtype=np.uint8).reshape(4, 3).T
    file.write(0, values)
    assert np.array_equal(np.load(file.path), values)


@pytest.mark.parametrize("start", [-1, 4])
def test_rows_that_lie_outside_are_refused(tmp_path, start):
    file = array_files.make(tmp_path, "a", (5, 2), np.uint8)
    with pytest.raises(AssertionError):
        file.write(start, np.zeros((2, 2), np.uint8))


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="room is not taken ahead here")
def test_array_that_the_disk_has_no_room_for_is_refused_by_name(tmp_path):
    with pytest.raises(OSError, match=r"a\.npy") as caught:
        array_files.make(tmp_path, "a", (1 << 59,), np.uint8)
    assert caught.value.filename == str(tmp_path / "a.npy")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is always full")
def test_full_disk_is_named_when_rows_are_written():
    file = array_files.ArrayFile(Path("/dev/full"), (4,), np.uint8, 0)
    with pytest.raises(OSError, match="No space left") as caught:
        file.write(0, np.zeros(4, np.uint8))
    assert caught.value.filename == "/dev/full"


@given(count=st.integers(0, 500), row=st.integers(1, 1 << 25), most=st.integers(1, 100))
def test_blocks_cover_all_rows_once_and_are_bounded(count, row, most):
    found = list(array_files.blocks(count, (row,), most))
    assert [index for part in found for index in range(part.start, part.stop)] == list(range(count))
    for part in found:
        size = part.stop - part.start
        assert size <= most
        assert size == 1 or size * row <= 4 << 20


def test_values_stay_when_their_memory_is_let_go(tmp_path, monkeypatch):
    monkeypatch.setattr(array_files, "_MAY_STAY", 0)
    values = np.random.default_rng(1).random((1000, 50))
    np.save(tmp_path / "a.npy", values)
    mapped = np.load(tmp_path / "a.npy", mmap_mode="r")
    for _ in range(2):
        assert np.array_equal(mapped, values)
        array_files.let_go(mapped)
    array_files.let_go(values)
    array_files.let_go(mapped[10:])


@pytest.mark.parametrize("may_stay", [0, 1 << 40])
def test_rows_of_a_memory_map_are_those_asked_for_in_memory_of_their_own(
    tmp_path, monkeypatch, may_stay
):
    monkeypatch.setattr(array_files, "_MAY_STAY", may_stay)
    values = np.random.default_rng(1).random((200, 3, 2)).astype(np.float16)
    np.save(tmp_path / "a.npy", values)
    mapped = np.load(tmp_path / "a.npy", mmap_mode="r")
    for indices in (np.random.default_rng(2).permutation(200), np.array([7, 7, 0]), np.arange(0)):
        for source in (mapped, values):
            taken = array_files.rows(source, indices)
            assert np.array_equal(taken, values[indices])
            assert taken.dtype == np.float16
            assert not np.shares_memory(taken, source)


# Growth of a fresh process's peak while 400 MB of images and 260 MB of codes are written, and
# then read as training and evaluation do. Linux's own figure, as ru_maxrss begins with the peak of
# the process that started this one.
_WORK = """
import json, resource, sys
from pathlib import Path
import numpy as np
from stages.gan.data import prepared
from stages.gan.evaluation.neighbours import nearest

def peak():
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().split("VmHWM:")[1].split()[0]) << 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

folder, count = Path(sys.argv[1]), 16384
before = peak()
pixels = np.broadcast_to(np.arange(64, dtype=np.uint8), (count, 3, 64, 64))
prepared.write_images(folder, "train", pixels, np.arange(count))
prepared.attach_latents(folder, {"train": count, "test": 1}, 4000, 1)
written = peak()
data = prepared.load(folder, "train")
order = np.random.default_rng(1).permutation(count)
for start in range(0, count, 64):
    rows = order[start : start + 64]
    assert data.batch(rows).shape == (64, 3, 64, 64)
    assert data.codes(rows).shape == (64, 4000)
read = peak()
small = np.asarray(data.images[:1])
nearest(small, data.images[:1024])
began = peak()
nearest(small, data.images)
sizes = [data.images.nbytes, data.latents.nbytes]
print(json.dumps([written - before, read - written, peak() - began, sizes]))
"""


def test_peak_of_memory_does_not_grow_with_what_is_written_and_read(tmp_path):
    result = subprocess.run(
        [sys.executable, "-c", _WORK, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    written, read, searched, sizes = json.loads(result.stdout)
    assert min(sizes) > 240 * MEGABYTE
    assert written < 120 * MEGABYTE
    assert read < 120 * MEGABYTE
    assert searched < 120 * MEGABYTE
