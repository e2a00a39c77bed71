"""A value from a student's JSON, YAML or CSV file; none of them is trusted."""

import pytest

from stages.tools.course.kinds import values


class Files:
    """A place with some files."""

    is_whole = True

    def __init__(self, **files):
        self.files = {name.replace("_", "."): content for name, content in files.items()}

    def read(self, name):
        return self.files.get(name)

    def trouble(self, stage):
        return ""


PLACE = Files(
    a_json=b'{"b": {"c": 0.5}, "d": [1]}',
    a_yaml=b"b:\n  c: text\n",
    a_csv=b"epoch,loss\n1,0.9\n2,\n3,0.4\n4,0.6\n",
    bad_json=b"{",
    bad_yaml=b"a: [",
    bad_csv=b"\xff\xfe",
)


@pytest.mark.parametrize(
    ("file", "key", "value"),
    [
        ("a.json", "b.c", 0.5),
        ("a.json", "d", [1]),
        ("a.yaml", "b.c", "text"),
        ("a.csv", "first.loss", 0.9),
        ("a.csv", "last.loss", 0.6),
        ("a.csv", "min.loss", 0.4),
        ("a.csv", "max.epoch", 4.0),
    ],
)
def test_a_value_is_found(file, key, value):
    assert values.value_of(PLACE, file, key) == value


@pytest.mark.parametrize(
    ("file", "key", "why"),
    [
        ("none.json", "b", "none.json is not there"),
        ("a.json", "b.x", "a.json has no b.x"),
        ("a.json", "d.x", "a.json has no d.x"),
        ("a.csv", "last.acc", "no numbers for last.acc"),
        ("a.csv", "loss", "no numbers for loss"),
        ("bad.json", "b", "bad.json cannot be read"),
        ("bad.yaml", "b", "bad.yaml cannot be read"),
        ("bad.csv", "last.b", "bad.csv cannot be read"),
    ],
)
def test_what_is_missing_is_named(file, key, why):
    with pytest.raises(values.Unreadable, match=why):
        values.value_of(PLACE, file, key)
