"""Check which known surprises of MindSpore on a CPU still hold in the installed version.

Each line names a heading of docs/mindspore.md, which says what to do instead.
"""

from collections import Counter

import mindspore

from stages.command import argument_parser, guarded, say
from stages.tools.mindspore_check.running import CHANGED, HOLDS, UNKNOWN, outcomes

PAGE = "docs/mindspore.md"
KNOWN = "2.10.0"


def main() -> None:
    """Print a line for each fact, and a count. A changed fact is a note, not an error."""
    argument_parser().parse_args()
    say(f"MindSpore {mindspore.__version__}; {PAGE} says what was seen in {KNOWN}")
    counts: Counter[str] = Counter()
    last = ""
    for group, outcome in outcomes():
        if group != last:
            say(f"\n{group}")
            last = group
        counts[outcome.state] += 1
        say(f"  {outcome.state}: {outcome.fact.heading}\n      {outcome.seen}")
    say(f"\n{counts[HOLDS]} hold, {counts[CHANGED]} changed, {counts[UNKNOWN]} {UNKNOWN}")
    if counts[CHANGED]:
        say(f"What changed works otherwise than {PAGE} says: report it")


if __name__ == "__main__":
    guarded(main)
