"""Three ways out of the failed run: each sound, and no two by the same param."""

import pytest

from stages.tools.course.kinds import mended
from stages.tools.course.outcomes import State
from stages.tools.course.places import Project

FILE = "course/answers/4-mend.csv"
ENTRY = mended.seal(
    {
        "file": FILE,
        "failing": "failing",
        "verdict": "saturated discriminator",
        "least": {"quality.precision": 0.5, "quality.class_coverage": 0.95},
        "ways": 3,
    },
    "s",
) | {"look": {"en": "look"}}
RATE = "train.learning_rate=0.01"
ROWS = {
    "failing": (RATE, "saturated discriminator", 1.0, 0.1),
    "rate": ("train.learning_rate=0.001", "still learning", 0.9, 1.0),
    "of-d": (f"{RATE}, train.discriminator_learning_rate=0.001", "near equilibrium", 0.9, 1.0),
    "warm": (f"{RATE}, train.schedule.warm_up_steps=9000", "still learning", 0.9, 1.0),
}


class Bundle(Project):
    """A place that has not every file."""

    is_whole = False


@pytest.fixture
def check(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "course/answers").mkdir(parents=True)

    def with_rows(**changed):
        lines = ["setting,seed,changes,verdict,quality.precision,quality.class_coverage"]
        for name, (changes, verdict, *scores) in (ROWS | changed).items():
            lines.append(f'{name},1,"{changes}",{verdict},{scores[0]},{scores[1]}')
        (tmp_path / FILE).write_text("\n".join(lines) + "\n")
        return mended.check(ENTRY, None, Project())

    return with_rows


def test_three_ways_are_right(check):
    assert check().state is State.RIGHT


@pytest.mark.parametrize(
    "changed",
    [
        {"failing": ("train.learning_rate=0.001", "still learning", 0.9, 1.0)},
        {"warm": (f"{RATE}, train.schedule.warm_up_steps=9000", "oscillating", 0.9, 1.0)},
        {"warm": (f"{RATE}, train.schedule.warm_up_steps=9000", "still learning", 0.2, 1.0)},
        {"warm": (f"{RATE}, train.schedule.warm_up_steps=9000", "still learning", 0.9, 0.9)},
        {"warm": ("train.learning_rate=0.0005", "still learning", 0.9, 1.0)},
        {"warm": ("train.learning_rate=0.001, train.loss=mse", "still learning", 0.9, 1.0)},
        {"warm": (f"{RATE}, train.generator.widths=[8, 16]", "diverged", "", "")},
        {"warm": (RATE, "still learning", 0.9, 1.0)},
    ],
)
def test_what_is_no_third_way_is_not_counted(check, changed):
    found = check(**changed)
    assert found.state is State.WRONG
    assert found.look == {"en": "look"}


def test_a_value_with_a_comma_is_one_change(check):
    widths = f"{RATE}, train.generator.widths=[8, 16]"
    assert check(warm=(widths, "still learning", 0.9, 1.0)).state is State.RIGHT


def test_what_was_found_is_told(check):
    found = check(warm=("train.learning_rate=0.1, train.loss=mse", "still learning", 0.9, 1.0))
    assert "train.learning_rate and train.loss" in found.note
    assert "Needed are 3 that share no param" in found.note


def test_a_missing_or_damaged_table_is_told(check, tmp_path):
    assert mended.check(ENTRY, None, Project()).note.startswith(f"{FILE} is not there. The cell")
    assert mended.check(ENTRY, None, Project()).look == {}  # no hint at an answer without a table
    assert mended.check(ENTRY, None, Bundle()).state is State.UNSEEN
    (tmp_path / FILE).write_text("setting,seed,changes\nfailing,1,a=1\n")
    assert "is damaged" in mended.check(ENTRY, None, Project()).note
