"""tasks.yaml is checked, and its answers are hidden."""

import json

import pytest
import yaml

from stages.gan.common.errors import UserError
from stages.tools.course.building import tasks
from stages.tools.course.parts import Part

LOOK = {"en": "look", "zh": "看"}
TASK = {"name": "rate", "kind": "number", "right": 3.25, "within": 0.5, "look": LOOK}


def part_of(folder, **changes):
    content = {"title": {"en": "T", "zh": "标题"}, "minutes": 5, "tasks": [TASK], **changes}
    part = Part(2, folder)
    part.tasks.write_text(yaml.safe_dump(content), encoding="utf-8")
    return part


def test_answers_are_hidden_and_the_rest_is_kept(tmp_path):
    found = tasks.checks_of(part_of(tmp_path))
    (entry,) = found["tasks"]
    assert "3.25" not in json.dumps(found)
    assert entry["look"] == LOOK
    assert entry["salt"].endswith("/rate")
    assert found["minutes"] == 5


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"tasks": [TASK, TASK]}, "two tasks have one name"),
        ({"tasks": []}, "tasks: "),
        ({"tasks": [{**TASK, "kind": "essay"}]}, "kind 'essay': choose one of choice"),
        ({"tasks": [{**TASK, "look": {"en": "x"}}]}, "look.zh: "),
        ({"tasks": [{**TASK, "name": "Two words"}]}, "name: "),
        ({"tasks": [{**TASK, "rigth": 1}]}, "rigth: "),
        ({"tasks": [{**TASK, "kind": "own"}]}, "rate: it needs either"),
        ({"tasks": [{"name": "a", "kind": "number", "look": LOOK}]}, "a: 'right'"),
        ({"minutes": 0}, "minutes: "),
    ],
)
def test_what_is_wrong_is_named(tmp_path, changes, why):
    with pytest.raises(UserError, match=why):
        tasks.checks_of(part_of(tmp_path, **changes))
