"""Facts about data: arrays and tensors that share memory, indexing, mindspore.dataset."""

import os
import subprocess
import sys

import mindspore.dataset as ds
import numpy as np
from mindspore import Tensor, ops
from mindspore.dataset import vision

from stages.tools.mindspore_check.facts import Seen, fact, short


def _rows(dataset) -> list[np.ndarray]:
    """The first column of one pass over a data set."""
    return [row[0] for row in dataset.create_tuple_iterator(num_epochs=1, output_numpy=True)]


# A process of its own, because the commands of this project set _WAITS, which is read once.
_WAITS = "MS_DEV_HOST_BLOCKING_RUN"
_READ_LATE = """
import numpy as np
from mindspore import Tensor
for make in (Tensor.from_numpy, Tensor):
    late = 0
    for _ in range(20):
        array = np.zeros((500, 500), np.float32)
        result = make(array) + 0
        array[:] = 1
        late += bool(result.asnumpy().any())
    print(late)
"""


@fact("A batch has the values of the next batch")
def read_late() -> Seen:
    """Change an array after an operation on its Tensor, and read the result then."""
    counts = []
    for waits in ({}, {_WAITS: "1"}):
        environment = {name: value for name, value in os.environ.items() if name != _WAITS}
        done = subprocess.run(
            [sys.executable, "-c", _READ_LATE],
            env=environment | waits,
            check=True,
            capture_output=True,
            text=True,
        )
        counts += [int(line) for line in done.stdout.split()]
    return Seen(
        counts[0] > 0 == counts[1],
        f"the later values were used in {counts[0]} of 20 tries with Tensor.from_numpy, in "
        f"{counts[1]} with Tensor; with {_WAITS}=1 in {counts[2]} and {counts[3]}",
    )


@fact("My data changes when I change a batch of it")
def writes_back() -> Seen:
    """Write into rows that were taken by a list."""
    data = Tensor(np.array([1.0, 2.0, 3.0, 4.0], np.float32))
    batch = data[[1, 3]]
    batch[0] = 0
    found = data.asnumpy()
    return Seen(found[1] == 0, f"1, 2, 3, 4 became {short(*found)}")


@fact("ops.pad gives zeros from its second call on")
def negative_padding() -> Seen:
    """Cut one number at each side by a negative padding, twice."""
    x = Tensor(np.array([[1.0, 2.0, 3.0, 4.0]], np.float32))
    first, second = (ops.pad(x, (-1, -1)).asnumpy()[0] for _ in range(2))
    return Seen(
        first.tolist() == [2, 3] and not second.any(),
        f"first call {short(*first)}, second {short(*second)}",
    )


@fact("Both flips always happen together")
def one_draw() -> Seen:
    """Two random flips in one map over 400 images; in two maps for comparison."""
    image = np.zeros((2, 2, 1), np.uint8)
    image[0, 0] = 255
    images = np.repeat(image[None], 400, axis=0)
    flips = [vision.RandomHorizontalFlip(0.5), vision.RandomVerticalFlip(0.5)]
    one_map = _rows(ds.NumpySlicesDataset(images, shuffle=False).map(flips))
    two_maps = _rows(ds.NumpySlicesDataset(images, shuffle=False).map(flips[:1]).map(flips[1:]))

    def single(rows) -> int:
        return sum(bool(row[0, 1, 0] or row[1, 0, 0]) for row in rows)

    alone, usual = single(one_map), single(two_maps)
    return Seen(
        alone == 0 < usual,
        f"one flip alone: {alone} of 400 in one map, {usual} of 400 in two maps",
    )


@fact("Test images are in my training set")
def parts_overlap() -> Seen:
    """Split 1,000 rows without a seed, and look for test rows among the training rows."""
    source = ds.NumpySlicesDataset(np.arange(1000), shuffle=False)
    train, test = source.split([0.8, 0.2])
    seen, asked = ({int(row) for row in _rows(part)} for part in (train, test))
    both = len(seen & asked)
    return Seen(both > 0, f"{both} of {len(asked)} test rows are training rows too")


@fact("My images are almost black after ToTensor")
def divided_again() -> Seen:
    """ToTensor on a float image in 0..1."""
    found = vision.ToTensor()(np.ones((2, 2, 1), np.float32)).max()
    return Seen(found < 0.01, f"1.0 became {short(found)}")


@fact("RandomHorizontalFlip turns my images upside down")
def channels_first() -> Seen:
    """A horizontal flip of an image (C, H, W)."""
    image = np.arange(12, dtype=np.uint8).reshape(3, 2, 2)
    found = vision.HorizontalFlip()(image)
    return Seen(
        bool((found == image[:, ::-1]).all()),
        "the rows of a (C, H, W) image are reversed, not its columns",
    )


@fact("Every image of a batch is flipped, or none")
def flipped_batches() -> Seen:
    """RandomHorizontalFlip after batch()."""
    image = np.zeros((1, 2, 1), np.uint8)
    image[0, 0] = 255
    images = np.repeat(image[None], 400, axis=0)
    source = ds.NumpySlicesDataset(images, shuffle=False).batch(10)
    shares = {float((b[:, 0, 1, 0] > 0).mean()) for b in _rows(source.map([_flip()]))}
    return Seen(shares == {0.0, 1.0}, f"shares of flipped images in 40 batches: {sorted(shares)}")


def _flip():
    return vision.RandomHorizontalFlip(0.5)


@fact("Oversampling does nothing")
def oversampling() -> Seen:
    """Ask for 8 samples of 4 rows, with replacement."""
    sampler = ds.RandomSampler(replacement=True, num_samples=8)
    count = len(_rows(ds.NumpySlicesDataset(np.arange(4), sampler=sampler)))
    return Seen(count == 4, f"8 samples of 4 rows: {count}")


@fact("Predictions do not belong to their labels")
def shuffled_by_default() -> Seen:
    """Read a data set that nobody asked to shuffle."""
    rows = [int(row) for row in _rows(ds.NumpySlicesDataset(np.arange(100)))]
    return Seen(rows != sorted(rows), f"the first rows of 0 to 99 are {rows[:5]}")
