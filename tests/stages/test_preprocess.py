import json
from pathlib import Path

import numpy as np
import pytest

from stages.gan.data import prepared
from stages.gan.data.raw import leftovers
from stages.preprocess import preprocess
from tests.helpers.data import encoded, load_params, message_of, picture, tree, write_idx, write_zip


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run the stage on what lies in data/<dataset>/raw."""
    monkeypatch.chdir(tmp_path)

    def of(dataset, **changes):
        changes = {f"{dataset}__preprocess__{key}": value for key, value in changes.items()}
        preprocess(dataset, load_params(tmp_path, dataset, **changes))
        folder = Path(f"data/{dataset}/prepared")
        about = json.loads((folder / "prepared.json").read_text())
        return about, prepared.load(folder, "train"), prepared.load(folder, "test")

    return of


def give(dataset, bundled=False):
    folder = Path(f"data/{dataset}/raw")
    folder.mkdir(parents=True, exist_ok=True)
    content = {"source": "given.zip", "bundled": bundled, "left_out": leftovers.NOTHING}
    (folder / "source.json").write_text(json.dumps(content))
    return folder


def give_digits(**counts):
    return write_idx(give("mnist"), **counts)


def give_images(members, **source):
    return write_zip(give("faces", **source) / "images.zip", members)


def images(count):
    return {f"{number}.png": encoded(picture(number)) for number in range(count)}


def small(run, **changes):
    return run("faces", **{"image_size": 32, "latent_size": 5, **changes})


def test_digits_are_prepared_with_their_labels(run):
    give_digits(train=12, test=5)
    about, train, test = run("mnist")
    assert about == {
        "source": "given.zip",
        "bundled": False,
        "image_shape": [1, 28, 28],
        "latent_size": 100,
        "value_range": [-1.0, 1.0],
        "raw_values": "uint8: levels from 0 to 255",
        "counts": {"train": 12, "test": 5},
        "rejected": {},
        "beyond_maximum": 0,
        "several_frames": 0,
        "left_out": leftovers.NOTHING,
        "copies": {
            "duplicates": "one_side",
            "exact": 0,
            "across": 0,
            "left_out": 0,
            "near": 0,
            "near_examples": [],
        },
        "told": [],
    }
    assert train.images.shape == (12, 1, 28, 28)
    assert train.latents.shape == (12, 100)
    assert train.labels.tolist() == [*range(10), 0, 1]
    assert len(test) == 5


def test_values_lie_in_the_range_that_is_described(run):
    give_digits()
    about, train, _ = run("mnist")
    low, high = about["value_range"]
    assert train.images.min() == low
    assert train.images.max() == high


@pytest.mark.parametrize(("size", "channels"), [(16, 1), (28, 3), (40, 3)])
def test_size_and_channels_are_those_asked_for(run, size, channels):
    give_digits()
    about, train, test = run("mnist", image_size=size, channels=channels)
    assert about["image_shape"] == [channels, size, size]
    assert train.images.shape[1:] == test.images.shape[1:] == (channels, size, size)


def test_attached_latents_are_seeded_standard_normal_float32(run):
    give_digits(train=200)
    codes = [run("mnist", seed=seed)[1].latents.copy() for seed in (1, 1, 2)]
    assert codes[0].dtype == np.float32
    assert abs(codes[0].mean()) < 0.03
    assert abs(codes[0].std() - 1) < 0.03
    assert np.array_equal(codes[0], codes[1])
    assert not np.array_equal(codes[0], codes[2])


def test_grey_and_transparent_images_are_prepared_in_colour(run):
    grey = encoded(picture(1, "L"))
    clear = encoded(picture(2, "RGBA"))
    give_images({**images(6), "grey.png": grey, "rgba.png": clear})
    about, train, test = small(run)
    assert about["counts"] == {"train": 7, "test": 1}
    assert about["rejected"] == {}
    every = np.concatenate([train.images, test.images])
    assert every.shape == (8, 3, 32, 32)
    assert (every[:, 0] == every[:, 1]).all(axis=(1, 2)).sum() == 1


def test_broken_images_are_skipped_counted_and_named(run, capsys):
    jpeg = encoded(picture(), "JPEG")
    broken = {"a.jpg": b"", "b.jpg": jpeg[: len(jpeg) // 2], "c.jpg": b"a text"}
    give_images({**images(10), **broken})
    about, train, test = small(run)
    assert about["counts"] == {"train": 9, "test": 1}
    assert (len(train), len(test)) == (9, 1)
    assert sorted(about["rejected"]) == ["a.jpg", "b.jpg", "c.jpg"]
    assert about["rejected"]["c.jpg"] == "no image that can be read"
    said = capsys.readouterr().out
    assert "faces: 9 images to train on, 1 held out, 3 skipped" in said
    assert "  skipped a.jpg: empty file" in said


def test_copies_and_what_was_left_out_are_said_and_stored(run, capsys):
    folder = give("faces")
    write_zip(folder / "images.zip", {**images(9), "copy.png": images(1)["0.png"]})
    source = json.loads((folder / "source.json").read_text())
    source["left_out"] = {**leftovers.NOTHING, "files": {".tga": 7}}
    (folder / "source.json").write_text(json.dumps(source))
    about, _, _ = small(run)
    assert about["copies"]["exact"] == 1
    assert about["left_out"]["files"] == {".tga": 7}
    assert about["told"] == [
        "left out, by the ending of the name: 7 (7 .tga)",
        "exact copies of other images: 1 (duplicates: one_side): all copies of an image stand on "
        "one side of the split",
    ]
    said = capsys.readouterr().out
    for line in about["told"]:
        assert f"\n  {line}\n" in said


def test_images_have_no_labels(run):
    give_images(images(4))
    assert small(run)[1].labels is None


@pytest.mark.parametrize(
    ("changes", "counts"),
    [
        ({}, (18, 2)),
        ({"test_maximum": 1}, (19, 1)),
        ({"test_fraction": 0.5}, (10, 10)),
        ({"test_fraction": 0.5, "test_maximum": 4}, (16, 4)),
        ({"maximum_images": 10}, (9, 1)),
    ],
)
def test_tenth_is_held_out_unless_asked_otherwise(run, changes, counts):
    give_images(images(20))
    about, train, test = small(run, **changes)
    assert (about["counts"]["train"], about["counts"]["test"]) == counts
    assert (len(train), len(test)) == counts


def test_first_digits_are_kept_where_not_all_are(run):
    give_digits(train=30, test=9)
    about, train, _ = run("mnist", maximum_images=4, test_maximum=3)
    assert about["counts"] == {"train": 4, "test": 3}
    assert train.labels.tolist() == [0, 1, 2, 3]


def test_two_runs_are_byte_identical(run):
    give_images(images(8))
    small(run)
    once = tree(Path("data/faces/prepared"))
    small(run)
    assert tree(Path("data/faces/prepared")) == once
    assert sorted(once) == [
        "prepared.json",
        "test_images.npy",
        "test_latents.npy",
        "train_images.npy",
        "train_latents.npy",
    ]


def test_stand_in_data_are_described_as_such(run):
    give_images(images(4), bundled=True)
    assert small(run)[0]["bundled"] is True


def test_missing_raw_data_say_what_to_run(run):
    assert "is missing: run `dvc repro` first" in message_of(run, "mnist")
    assert not Path("data/mnist/prepared").exists()


@pytest.mark.parametrize("content", [{}, {"source": "x"}, {"source": "x", "bundled": False}])
def test_damaged_description_of_the_source_is_named(run, content):
    give_digits()
    Path("data/mnist/raw/source.json").write_text(json.dumps(content))
    assert "source.json is damaged" in message_of(run, "mnist")


def test_damaged_digits_leave_nothing_behind(run):
    give_digits()
    file = Path("data/mnist/raw/t10k-images-idx3-ubyte")
    file.write_bytes(file.read_bytes()[:-1])
    assert "t10k-images-idx3-ubyte has 3,935 bytes" in message_of(run, "mnist")
    assert [path.name for path in Path("data/mnist").iterdir()] == ["raw"]


def test_damaged_archive_of_images_leaves_nothing_behind(run):
    file = give_images(images(8))
    file.write_bytes(file.read_bytes()[:-30])
    assert "images.zip is not a valid zip archive" in message_of(small, run)
    assert [path.name for path in Path("data/faces").iterdir()] == ["raw"]


def test_archive_without_a_sound_image_is_refused(run):
    give_images({"a.jpg": b"", "b.jpg": b"text", "c.png": encoded(picture())})
    assert "images.zip: 1 of 3 images can be used, at least 2 are needed" in message_of(small, run)


def test_the_outs_are_the_same_bytes_whatever_the_terminal_speaks(run, monkeypatch, capsys):
    members = {**images(4), "copy.png": encoded(picture(0)), "empty.png": b"", "notes.txt": b"x"}
    outs, said = [], []
    for language in ("en", "zh"):
        monkeypatch.setenv("GAN_LANGUAGE", language)
        give_images(members)
        small(run)
        outs.append(tree(Path("data/faces/prepared")))
        said.append(capsys.readouterr().out)
    assert outs[0] == outs[1]
    assert "skipped empty.png: empty file" in said[0]
    assert "跳过 empty.png：空文件" in said[1]
    assert "1 张" in said[1]
