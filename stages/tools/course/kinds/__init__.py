"""The kinds of checks, one module each, behind one interface.

A kind is a module with two functions:

- seal(task, salt): what checks.json keeps of a task of tasks.yaml. It hides the answer.
- check(entry, answer, place): the outcome for a student's answer; `entry` is what `seal` gave,
  with the fields that all kinds share (name, kind, salt, look).

A kind that needs no answer, because it looks at the student's files, has NEEDS_ANSWER = False.
"""

from collections.abc import Mapping
from types import MappingProxyType, ModuleType

from stages.tools.course.kinds import apart, choice, difference, exact, found, mended, number, own

KINDS: Mapping[str, ModuleType] = MappingProxyType(
    {
        "choice": choice,
        "exact": exact,
        "number": number,
        "own": own,
        "found": found,
        "apart": apart,
        "difference": difference,
        "mended": mended,
    }
)
