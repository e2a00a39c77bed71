"""Recipes: changes to params.yaml that belong together, a file each, under a name.

A file recipes/<name>.yaml has the shape of params.yaml and holds of it what the recipe changes,
all of one data set: its section, and its entry of `datasets` if the kind of network is another.
The comment at its beginning says what it is.
"""

import itertools
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stages.gan.common.errors import UserError
from stages.gan.common.paths import PARAMS
from stages.gan.common.yaml_files import flat, read_mapping
from stages.gan.params.explanations import nearest

FOLDER = Path("recipes")


@dataclass(frozen=True)
class Recipe:
    """A recipe: dotted names of params.yaml to values."""

    name: str
    dataset: str
    about: str
    changes: Mapping[str, Any]

    def applied(self, content: Mapping[str, Any]) -> dict[str, Any]:
        """What params.yaml holds, with the changes.

        Raises
        ------
        UserError
            If it has no such param.
        """
        return applied(content, self.changes, f"recipe {self.name}")


def names(folder: Path = FOLDER) -> list[str]:
    """Names of all recipes."""
    return sorted(file.stem for file in folder.glob("*.yaml"))


def load(name: str, folder: Path = FOLDER) -> Recipe:
    """Read a recipe.

    Raises
    ------
    UserError
        If there is none of that name, or its file is not as it should be.
    """
    if name not in names(folder):
        raise UserError(f"no recipe {name!r}{nearest(name, names(folder))}")
    file = folder / f"{name}.yaml"
    content = read_mapping(file)
    kinds = content.get("datasets", {})
    if not isinstance(kinds, Mapping):
        raise UserError(f"{file}: `datasets` should hold a mapping of names to what they change")
    concerned = {*content, *kinds} - {"datasets"}
    if len(concerned) != 1:
        raise UserError(f"{file} should change one data set, and changes {len(concerned)}")
    return Recipe(name, concerned.pop(), about(file), flat(content))


def applied(
    content: Mapping[str, Any], changes: Mapping[str, Any], asked_by: str
) -> dict[str, Any]:
    """What params.yaml holds, with changes by dotted names; `asked_by` is for the message.

    Raises
    ------
    UserError
        If it has no such param.
    """
    changed = deepcopy(dict(content))
    for name, value in changes.items():
        *way, last = name.split(".")
        section: Any = changed
        for key in way:
            section = section.get(key) if isinstance(section, dict) else None
        if not isinstance(section, dict) or last not in section:
            raise UserError(f"{asked_by}: {PARAMS} has no {name}")
        if isinstance(section[last], dict):
            raise UserError(f"{asked_by}: {name} is a section, and {value!r} is none")
        section[last] = value
    return changed


def about(file: Path) -> str:
    """The comment at the top of a file: what it is for."""
    lines = file.read_text(encoding="utf-8").splitlines()
    comment = itertools.takewhile(lambda line: line.startswith("#"), lines)
    return " ".join(line.lstrip("# ") for line in comment)
