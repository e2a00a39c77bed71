from stages.gan.data.prepared import Prepared
from stages.gan.data.raw import account, leftovers
from tests.helpers.data import message_of

COPIES = {
    "duplicates": "one_side",
    "exact": 0,
    "across": 0,
    "left_out": 0,
    "near": 0,
    "near_examples": [],
}


def lines(left_out=leftovers.NOTHING, copies=COPIES, transposed=False, **changes):
    fields = {"beyond_maximum": 0, "several_frames": 0, "values": "uint8: levels from 0 to 255"}
    result = Prepared({"train": 2, "test": 1}, {}, copies, **{**fields, **changes})
    return account.lines(result, left_out, transposed)


def test_a_downloaded_file_that_is_gone_is_named(tmp_path):
    source = {"bytes": {"images": 3, "labels": 2}}
    for name in source["bytes"]:
        (tmp_path / name).write_bytes(b"x")
    account.check_all_there(tmp_path, source)
    (tmp_path / "labels").unlink()
    text = message_of(account.check_all_there, tmp_path, source)
    assert text == f"{tmp_path}/labels is missing: run `dvc repro` to fetch it"


def test_skipped_files_are_named_up_to_twenty():
    assert account.skipped({}) == []
    assert account.skipped({"a.png": "empty file"}) == ["skipped a.png: empty file"]
    many = account.skipped({f"{number}.png": "empty file" for number in range(25)})
    assert len(many) == 21
    assert many[-1] == "skipped 5 more: prepared.json names them"


def test_nothing_is_said_where_all_is_used():
    assert lines() == []


def test_images_of_emnist_that_lie_on_their_side_are_told():
    emnist = {**leftovers.NOTHING, "set": "emnist-letters"}
    assert lines(emnist, transposed=True) == []
    assert lines(emnist) == [
        "images of emnist-letters lie on their side: set preprocess.transposed to true"
    ]


def test_everything_that_was_not_used_is_said():
    told = lines(
        {**leftovers.NOTHING, "files": {".txt": 3}},
        {**COPIES, "exact": 2},
        beyond_maximum=1000,
        several_frames=4,
        values="float32: 0 black, 1 white",
    )
    assert [line.split(":")[0] for line in told] == [
        "left out, by the ending of the name",
        "images beyond preprocess.maximum_images or preprocess.test_maximum",
        "files with several frames or pages",
        "values of the files",
        "exact copies of other images",
    ]
