"""Reads recipes: files with changes of params.yaml that belong together.

A file recipes/<name>.yaml has the form of params.yaml, but holds only the changed params: the
sections of one or more data sets, and their entries in `datasets` if the kind of network changes.
The comment at the top of the file describes the recipe.
"""

import itertools
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stages.gan.common.errors import UserError
from stages.gan.common.language import _, marked, translated
from stages.gan.common.paths import PARAMS
from stages.gan.common.yaml_files import flat, read_mapping
from stages.gan.params.explanations import nearest

FOLDER = Path("recipes")
# What the lecture has, where the shipped params are made for a first look.
LECTURE = "lecture"


@dataclass(frozen=True)
class Recipe:
    """A recipe: dotted names of params.yaml to values."""

    name: str
    datasets: tuple[str, ...]
    about: str
    changes: Mapping[str, Any]

    def applied(self, content: Mapping[str, Any]) -> dict[str, Any]:
        """The content of params.yaml with the recipe's changes.

        Raises
        ------
        UserError
            If params.yaml has no such param.
        """
        return applied(content, self.changes, _("recipe {name}").format(name=self.name))

    def of(self, dataset: str) -> "Recipe":
        """Its part for one data set; without changes if it has none for it."""
        own = (f"datasets.{dataset}.", f"{dataset}.")
        changes = {key: value for key, value in self.changes.items() if key.startswith(own)}
        return Recipe(self.name, (dataset,), self.about, changes)


def names(folder: Path = FOLDER) -> list[str]:
    """The names of all YAML files in a folder, sorted; by default of all recipes."""
    return sorted(file.stem for file in folder.glob("*.yaml"))


def find(kind: str, name: str, folder: Path) -> Path:
    """The YAML file with that name; for an unknown name, a UserError that lists the valid ones."""
    if name not in names(folder):
        raise UserError(
            _("no {kind} {name!r}{nearest}").format(
                kind=translated(kind), name=name, nearest=nearest(name, names(folder))
            )
        )
    return folder / f"{name}.yaml"


def load(name: str, folder: Path = FOLDER) -> Recipe:
    """Read a recipe.

    Raises
    ------
    UserError
        If there is no recipe of that name, or its file is not valid.
    """
    file = find(marked("recipe"), name, folder)
    content = read_mapping(file)
    kinds = content.get("datasets", {})
    if not isinstance(kinds, Mapping):
        raise UserError(
            _("{file}: `datasets` should hold a mapping of names to changes").format(file=file)
        )
    datasets = tuple(key for key in {**content, **kinds} if key != "datasets")
    if not datasets:
        raise UserError(
            _("{file} should change the params of a data set, but changes none").format(file=file)
        )
    return Recipe(name, datasets, about(file), flat(content))


def applied(
    content: Mapping[str, Any], changes: Mapping[str, Any], asked_by: str
) -> dict[str, Any]:
    """The content of params.yaml with changes by dotted names; `asked_by` is for the message.

    Raises
    ------
    UserError
        If params.yaml has no such param.
    """
    changed = deepcopy(dict(content))
    for name, value in changes.items():
        *keys, last = name.split(".")
        section: Any = changed
        for key in keys:
            section = section.get(key) if isinstance(section, dict) else None
        if not isinstance(section, dict) or last not in section:
            raise UserError(
                _("{asked_by}: {params} has no {name}").format(
                    asked_by=asked_by, params=PARAMS, name=name
                )
            )
        if isinstance(section[last], dict):
            raise UserError(
                _("{asked_by}: {name} is a section of params, so it cannot be {value!r}").format(
                    asked_by=asked_by, name=name, value=value
                )
            )
        section[last] = value
    return changed


def about(file: Path) -> str:
    """The comment at the top of a file, in one line."""
    lines = file.read_text(encoding="utf-8").splitlines()
    comment = itertools.takewhile(lambda line: line.startswith("#"), lines)
    return " ".join(line.lstrip("# ") for line in comment)
