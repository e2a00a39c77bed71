"""The same YAML text is parsed once in a process of the tests.

DVC parses params.yaml once for each stage, and dvc.lock and dvc.yaml more than once, with a parser
in pure Python: that is half of the time of a `dvc repro` that runs nothing. What a text means does
not change, so nothing of this can be seen but the time. It imports nothing of the project, because
the fork server does not, either.
"""

from collections import OrderedDict
from copy import deepcopy
from typing import Any

from ruamel.yaml import YAML

_KEPT = 16


def parse_once() -> None:
    """Have it so in this process from now on, and in those that it forks."""
    parse = YAML.load
    found: OrderedDict[str, Any] = OrderedDict()

    def load(self: YAML, stream: Any) -> Any:
        # Not of a parser that keeps comments, whose results know their parser.
        if not isinstance(stream, str) or self.typ != ["safe"] or self.version is not None:
            return parse(self, stream)
        if stream not in found:
            found[stream] = parse(self, stream)  # an error is not kept
            if len(found) > _KEPT:
                found.popitem(last=False)
        found.move_to_end(stream)
        return deepcopy(found[stream])

    YAML.load = load
