"""Reads YAML files that people edit, and writes values as YAML."""

import json
import re
from collections.abc import Mapping
from copy import deepcopy
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from stages.gan.common.errors import UserError
from stages.gan.common.language import _

# The last four come from PyYAML's readers of numbers, dates and tags: 0x_, 2020-99-99, !!bool x.
NO_YAML = (yaml.YAMLError, ValueError, LookupError, AttributeError, RecursionError)

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*")


def read_mapping(path: Path) -> dict[str, Any]:
    """Read a file that holds a mapping.

    Raises
    ------
    UserError
        If the file is missing or holds anything else. The message is one line.
    """
    try:
        content = deepcopy(_parsed(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise UserError(
            _("{path} is not here: run this from the project's folder").format(path=path)
        ) from None
    except UnicodeDecodeError as error:
        raise UserError(
            _("{path} is not UTF-8 text: {error}").format(path=path, error=error)
        ) from None
    except NO_YAML as error:
        told = _("{path} is not valid YAML: {reason}").format(
            path=path, reason=" ".join(str(error).split())
        )
        if "got '?'" in told:  # DVC's -S takes its quotes away
            told += _(" (a value with a ? needs quotes, or a line of its own outside all braces)")
        raise UserError(told) from None
    if not isinstance(content, dict):
        raise UserError(_("{path} should hold a mapping of names to values").format(path=path))
    return content


@lru_cache(maxsize=4)
def _parsed(text: str) -> Any:
    """The same text is the same content: a command reads params.yaml up to nine times."""
    return yaml.safe_load(text)


def flat(content: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """A nested mapping as dotted names to values.

    Examples
    --------
    >>> flat({"a": {"b": 1}, "c": [2]})
    {'a.b': 1, 'c': [2]}
    """
    rows: dict[str, Any] = {}
    for key, value in content.items():
        if isinstance(value, Mapping):
            rows.update(flat(value, f"{prefix}{key}."))
        else:
            rows[f"{prefix}{key}"] = value
    return rows


def as_yaml(value: Any) -> str:
    """A value as it is written in a YAML file, or after -S of `dvc exp run`.

    Examples
    --------
    >>> [as_yaml(value) for value in ("mlp", "null", "A title", None, [1, 2], 0.5)]
    ['mlp', '"null"', '"A title"', 'null', '[1, 2]', '0.5']
    """
    if isinstance(value, str) and _PLAIN.fullmatch(value) and yaml.safe_load(value) == value:
        return value
    return json.dumps(value, ensure_ascii=False)
