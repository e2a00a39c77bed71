import bz2
import gzip
import io
import lzma
import struct
import zipfile

import numpy as np
import pytest

from stages.gan.common.files import remove, sha256
from stages.gan.data.raw.archives import open_container
from stages.gan.data.raw.idx import raw
from stages.gan.data.raw.packed import open_source
from tests.helpers.data import MANY, digits, idx_contents, message_of, tree, write_idx, write_zip


def gathered(source, target, maximum_bytes=MANY, subset=None):
    remove(target)
    target.mkdir()
    with open_source(source, maximum_bytes, target) as container:
        raw.gather(container, target, maximum_bytes, subset)
    return tree(target)


def test_plain_files_are_gathered(tmp_path):
    contents = write_idx(tmp_path / "in")
    assert gathered(tmp_path / "in", tmp_path / "out") == contents


def test_gz_files_are_unzipped(tmp_path):
    contents = write_idx(tmp_path / "in", zipped=True)
    assert gathered(tmp_path / "in", tmp_path / "out") == contents


def test_files_are_found_in_any_folder_of_an_archive(tmp_path):
    contents = idx_contents()
    members = {f"MNIST_Data/{name[:5]}/{name}": content for name, content in contents.items()}
    members["MNIST_Data/README"] = b"other"
    archive = write_zip(tmp_path / "a.zip", members)
    assert gathered(archive, tmp_path / "out") == contents


def test_gz_files_in_an_archive_are_unzipped(tmp_path):
    contents = idx_contents()
    members = {f"{name}.gz": gzip.compress(content) for name, content in contents.items()}
    assert gathered(write_zip(tmp_path / "a.zip", members), tmp_path / "out") == contents


def test_missing_training_images_are_named_with_what_is_there(tmp_path):
    write_idx(tmp_path / "in")
    (tmp_path / "in" / raw.TRAIN_IMAGES).unlink()
    (tmp_path / "in" / "train.csv").write_bytes(b"1,2")
    text = message_of(gathered, tmp_path / "in", tmp_path / "out")
    assert text.startswith(f"{raw.TRAIN_IMAGES} is not in the source (nor {raw.TRAIN_IMAGES}.gz)")
    assert "Keras's mnist.npz" in text
    assert "(2 .idx3-ubyte, 1 .csv)" not in text
    assert text.endswith("left out, by the ending of the name: 1 (1 .csv)")


@pytest.mark.parametrize("names", [raw.FILES[1:], raw.FILES[1:2], raw.FILES[2:], raw.FILES[3:]])
def test_labels_and_a_test_split_are_not_needed(tmp_path, names):
    contents = write_idx(tmp_path / "in")
    for name in names:
        (tmp_path / "in" / name).unlink()
        del contents[name]
    assert gathered(tmp_path / "in", tmp_path / "out") == contents
    assert tuple(raw.identities(tmp_path / "out")) == tuple(contents)


def test_labels_of_images_that_are_not_there_are_left_out(tmp_path):
    members = idx_contents()
    del members[raw.TEST_IMAGES]
    with open_container(write_zip(tmp_path / "a.zip", members), MANY) as container:
        left = raw.gather(container, tmp_path, MANY)
    assert sum(left["files"].values()) == 1
    assert raw.TEST_LABELS not in raw.identities(tmp_path)


def renamed(*names):
    return dict(zip(names, idx_contents().values(), strict=True))


DIALECTS = {
    "Kaggle": (
        "train-images.idx3-ubyte",
        "train-labels.idx1-ubyte",
        "t10k-images.idx3-ubyte",
        "t10k-labels.idx1-ubyte",
    ),
    "EMNIST": (
        "gzip/emnist-letters-train-images-idx3-ubyte",
        "gzip/emnist-letters-train-labels-idx1-ubyte",
        "gzip/emnist-letters-test-images-idx3-ubyte",
        "gzip/emnist-letters-test-labels-idx1-ubyte",
    ),
    "QMNIST": (
        "qmnist-train-images-idx3-ubyte",
        "qmnist-train-labels-idx2-int",
        "qmnist-test-images-idx3-ubyte",
        "qmnist-test-labels-idx2-int",
    ),
    "capitals and other strokes": (
        "Train_Images.IDX3-ubyte",
        "TRAIN LABELS.idx",
        "test_images_idx3_ubyte",
        "Test-Labels-idx1",
    ),
    "PowerShell 5": (
        "MNIST\\train\\train-images-idx3-ubyte",
        "MNIST\\train\\train-labels-idx1-ubyte",
        "MNIST\\test\\t10k-images-idx3-ubyte",
        "MNIST\\test\\t10k-labels-idx1-ubyte",
    ),
}


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("ending", "pack"),
    [("", bytes), (".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress)],
)
def test_files_of_every_dialect_are_found(tmp_path, dialect, ending, pack):
    members = {f"{n}{ending}": pack(c) for n, c in renamed(*DIALECTS[dialect]).items()}
    archive = write_zip(tmp_path / "a.zip", members)
    assert gathered(archive, tmp_path / "out") == idx_contents()


def test_a_browser_that_unpacked_a_gz_and_kept_its_name_does_no_harm(tmp_path):
    members = {f"{name}.gz": content for name, content in idx_contents().items()}
    assert gathered(write_zip(tmp_path / "a.zip", members), tmp_path / "out") == idx_contents()


def arrays(**named):
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **named)
    return buffer.getvalue()


def test_the_arrays_of_keras_are_stored_as_they_are(tmp_path):
    images, labels = digits(5)
    path = tmp_path / "mnist.npz"
    path.write_bytes(arrays(x_train=images, y_train=labels, x_test=images, y_test=labels))
    out = gathered(path, tmp_path / "out")
    assert sorted(out) == sorted(raw.FILES)
    assert np.array_equal(np.load(io.BytesIO(out[raw.TRAIN_IMAGES])), images)
    assert np.array_equal(np.load(io.BytesIO(out[raw.TEST_LABELS])), labels)


@pytest.mark.parametrize("name", ["t10k-images-idx3-ubyte", "digits.idx", "whatever.bin"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_single_file_is_the_training_images_whatever_its_name(tmp_path, name, pack):
    path = tmp_path / (name if pack is bytes else f"{name}.gz")
    content = idx_contents()[raw.TEST_IMAGES]
    path.write_bytes(pack(content))
    assert gathered(path, tmp_path / "out") == {raw.TRAIN_IMAGES: content}


@pytest.mark.parametrize(
    "content",
    [b"404", b"", b"\0\0\x08\0", gzip.compress(b"12\n", mtime=0)],
    ids=["word", "empty", "cut", "packed"],
)
def test_what_is_no_idx_file_is_not_taken(tmp_path, content):
    """So that the next source is tried."""
    (tmp_path / "mnist").write_bytes(content)
    text = message_of(gathered, tmp_path / "mnist", tmp_path / "out")
    assert text.startswith("mnist is neither an IDX nor a .npy file, plain or packed: it begins")


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (gzip.compress(b"label,1x1\n5,0\n"), "text, such as CSV"),
        (gzip.compress(b"\x80\x04\x95\x9e"), "a pickle"),
    ],
    ids=["CSV", "pickle"],
)
def test_what_is_packed_and_of_another_kind_is_named(tmp_path, content, kind):
    (tmp_path / "mnist.gz").write_bytes(content)
    text = message_of(gathered, tmp_path / "mnist.gz", tmp_path / "out")
    assert text.startswith(f"mnist is {kind}, which is not read: save its images as")


def test_an_idx_file_in_reverse_order_is_told(tmp_path):
    (tmp_path / "mnist").write_bytes(struct.pack("<4I", 0x803, 1, 1, 1) + b"x")
    text = message_of(gathered, tmp_path / "mnist", tmp_path / "out")
    assert text.endswith("it begins with 0x03080000, in reverse order (little-endian)")


@pytest.mark.parametrize("folder", [True, False])
def test_kmnists_numpy_archives_are_read(tmp_path, folder):
    images, labels = digits(6)
    named = {"train-imgs": images, "train-labels": labels, "test-imgs": images[:2]}
    members = {f"k49-{name}.npz": arrays(arr_0=values) for name, values in named.items()}
    if folder:
        source = tmp_path / "in"
        source.mkdir()
        for name, content in members.items():
            (source / name).write_bytes(content)
    else:
        source = write_zip(tmp_path / "a.zip", members)
    out = gathered(source, tmp_path / "out")
    assert sorted(out) == sorted([raw.TRAIN_IMAGES, raw.TRAIN_LABELS, raw.TEST_IMAGES])
    assert np.array_equal(np.load(io.BytesIO(out[raw.TRAIN_IMAGES])), images)
    assert np.array_equal(np.load(io.BytesIO(out[raw.TRAIN_LABELS])), labels)


def zipped(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (arrays(x=np.zeros(2), y=np.zeros(2)), "train-imgs.npz holds 2 arrays, and not one"),
        (b"PK\3\4 and no more", "train-imgs.npz is not a valid zip archive"),
        (zipped("x.npz", arrays(x=np.zeros(2))), "train-imgs.npz holds x.npz, which is no .npy"),
        (arrays(x=np.zeros(9999)), "download.maximum_bytes"),
    ],
    ids=["two", "damaged", "archive inside", "large"],
)
def test_other_numpy_archives_are_told(tmp_path, content, message):
    (tmp_path / "in").mkdir()
    (tmp_path / "in/train-imgs.npz").write_bytes(content)
    assert message in message_of(gathered, tmp_path / "in", tmp_path / "out", 5000)


def emnist(*subsets):
    """An archive of several sets; the training images of each differ."""
    members = {}
    for number, subset in enumerate(subsets):
        for name, content in idx_contents(train=5 + number).items():
            members[f"gzip/emnist-{subset}-{name.replace('t10k', 'test')}"] = content
    return members


def test_one_of_several_sets_is_chosen_by_name(tmp_path):
    archive = write_zip(tmp_path / "a.zip", emnist("balanced", "letters", "mnist"))
    text = message_of(gathered, archive, tmp_path / "out")
    assert text == (
        "the source holds several sets: set download.subset to one of emnist-balanced, "
        "emnist-letters, emnist-mnist"
    )
    for subset in ("letters", "Letters", "emnist-letters"):
        assert gathered(archive, tmp_path / "out", subset=subset) == idx_contents(train=6)
    text = message_of(gathered, archive, tmp_path / "out", subset="digits")
    assert text == "the source has no files of download.subset 'digits'"


def test_one_of_several_sets_is_chosen_by_folder(tmp_path):
    members = {}
    for number, folder in enumerate(("MNIST", "FashionMNIST")):
        for name, content in idx_contents(train=5 + number).items():
            members[f"{folder}/raw/{name}"] = content
    archive = write_zip(tmp_path / "a.zip", members)
    text = message_of(gathered, archive, tmp_path / "out")
    assert "the source holds FashionMNIST/raw/train-images-idx3-ubyte and MNIST/raw/train" in text
    assert "which differ: set download.subset to the folder of the one to use" in text
    out = gathered(archive, tmp_path / "out", subset="FashionMNIST")
    assert out == idx_contents(train=6)


def test_the_same_file_twice_is_one_file(tmp_path):
    """Kaggle's archive of MNIST holds each file twice, torchvision's folder each packed too."""
    contents = idx_contents()
    members = {f"{name}/{name}": content for name, content in contents.items()}
    members |= {name.replace("-idx", ".idx"): content for name, content in contents.items()}
    members |= {f"{name}.gz": gzip.compress(content) for name, content in contents.items()}
    assert gathered(write_zip(tmp_path / "a.zip", members), tmp_path / "out") == contents


def test_what_else_is_in_the_source_is_counted(tmp_path):
    members = {**idx_contents(), "readme.txt": b"x", "more.zip": b"x", "sub/other.png": b"x"}
    with open_container(write_zip(tmp_path / "a.zip", members), MANY) as container:
        left = raw.gather(container, tmp_path, MANY)
    assert left["files"] == {".png": 1, ".txt": 1}
    assert left["archives"] == {"count": 1, "first": ["more.zip"]}


def test_truncated_gz_is_named(tmp_path):
    write_idx(tmp_path / "in", zipped=True)
    file = tmp_path / "in" / f"{raw.TEST_IMAGES}.gz"
    file.write_bytes(file.read_bytes()[:-20])
    text = message_of(gathered, tmp_path / "in", tmp_path / "out")
    assert text.startswith(f"{raw.TEST_IMAGES}.gz is not a valid gzip file: ")


def test_gz_that_unpacks_to_more_than_the_bound_is_refused(tmp_path):
    write_idx(tmp_path / "in", zipped=True, train=100)
    text = message_of(gathered, tmp_path / "in", tmp_path / "out", 50_000)
    assert text == f"{raw.TRAIN_IMAGES}.gz is larger than download.maximum_bytes (50,000)"


def test_identities_are_the_hashes_of_the_files(tmp_path):
    write_idx(tmp_path)
    assert raw.identities(tmp_path) == {name: sha256(tmp_path / name) for name in raw.FILES}
    assert tuple(raw.identities(tmp_path)) == raw.HASHED
