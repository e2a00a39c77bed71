import gzip

import pytest

from stages.gan.common.files import sha256
from stages.gan.data.raw.archives import open_container
from stages.gan.data.raw.idx import raw
from tests.helpers.data import MANY, idx_contents, message_of, tree, write_idx, write_zip


def gathered(source, target, maximum_bytes=MANY):
    target.mkdir(exist_ok=True)
    with open_container(source, maximum_bytes) as container:
        raw.gather(container, target, maximum_bytes)
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


@pytest.mark.parametrize("name", raw.FILES)
def test_missing_file_is_named(tmp_path, name):
    write_idx(tmp_path / "in")
    (tmp_path / "in" / name).unlink()
    text = message_of(gathered, tmp_path / "in", tmp_path / "out")
    assert text == f"{name} is not in the source (nor {name}.gz)"


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
