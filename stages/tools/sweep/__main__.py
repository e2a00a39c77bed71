"""Answer a question by several runs: queue them, train one a core, compare them on one page.

python -m stages sweep                                    list the questions
python -m stages sweep NAME [--dataset D] [-S KEY=VALUE ...] [--workers N]

What is finished is not run again: after a break, of whatever kind, the same command goes on.
"""

import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from stages.command import argument_parser, guarded, say
from stages.gan import params
from stages.gan.common import paths
from stages.gan.common.errors import UserError
from stages.gan.common.yaml_files import read_mapping
from stages.gan.training.processes import locks
from stages.tools.dvc import queue, revisions
from stages.tools.dvc.queue import QUEUED, RUNNING
from stages.tools.sweep import plan, questions
from stages.tools.sweep.progress import Pursuit, begin, counts, look_at
from stages.tools.sweep.questions import Sweep
from stages.tools.sweep.workers import LOGS, Workers, cores, fitting, memory
from stages.tools.upkeep import unlock

_LOCK = Path(".dvc/tmp/sweep/lock")
_PAUSE = 3.0
_REMIND = 60.0
# Workers that may end as they should not.
_FALLS = 10


def main() -> None:
    """Run the command."""
    parser = argument_parser()
    parser.add_argument("name", nargs="?", help=f"a file of {questions.FOLDER}/ without its ending")
    parser.add_argument(
        "--dataset", help="a key of params.yaml's `datasets`; the first if not given"
    )
    parser.add_argument(
        "-S", "--set-param", action="append", default=[], metavar="KEY=VALUE",
        help="a param that is changed for all of them",
    )  # fmt: skip
    parser.add_argument("--workers", type=int, help="how many at a time; one a core if not given")
    arguments = parser.parse_args()
    if arguments.name is None:
        for known in map(questions.load, questions.names()):
            say(f"{known.name}: {known.about} ({', '.join(known.settings)})")
        return
    if arguments.workers is not None and arguments.workers < 1:
        raise UserError(f"--workers is {arguments.workers}: valid is 1 or more")
    sweep = questions.load(arguments.name)
    content = read_mapping(paths.PARAMS)
    dataset = arguments.dataset or next(iter(content.get("datasets") or {}), "")
    params.check_name(paths.PARAMS, dataset)
    wanted = plan.plan(sweep, dataset, content, plan.overrides(arguments.set_param))
    head = revisions.head()
    network = str(wanted[0].outcome["kind.network"])
    count = arguments.workers or fitting(network, memory(), len(cores()))
    unlock.main()
    with locks.lock(_LOCK, "the queue of experiments"):
        pursued = begin(wanted, dataset, head)
        follow(pursued, dataset, count)
    target = write_page(sweep, dataset, pursued)
    for each in pursued:
        say(f"{each.result or each.wanted.name} ({each.wanted.about}): {each.why or 'done'}")
    say(f"{dataset}: {target}")
    lost = [each.wanted.name for each in pursued if each.why]
    if lost:
        raise UserError(f"{len(lost)} of {len(pursued)} failed: {', '.join(lost)}")


def follow(pursued: Sequence[Pursuit], dataset: str, count: int) -> None:
    """Have workers run what is queued, and tell how it goes, until nothing is open any more.

    If this is asked to end, so are the workers.
    """
    if not any(each.is_open for each in pursued):
        return
    workers = Workers(count)
    say(f"at most {count} at a time; `dvc queue logs NAME` shows where one stands")
    try:
        _follow(pursued, dataset, count, workers)
    except BaseException:
        say("ending the workers: what they train is saved first")
        workers.end()
        say(f"to go on: python -m stages sweep {shlex.join(sys.argv[1:])}")
        raise
    if any(entry.state in (QUEUED, RUNNING) for entry in queue.look()):
        say("the workers go on with other experiments of the queue; `dvc queue stop` ends them")
        return
    workers.end()
    queue.clean()


def _follow(pursued: Sequence[Pursuit], dataset: str, count: int, workers: Workers) -> None:
    told, reminded = "", time.monotonic()
    while True:
        for line in workers.fallen():
            say(line)
        if workers.falls > _FALLS:
            raise UserError(f"workers end again and again: {LOGS}/worker-*.log says why")
        entries = {entry.revision: entry for entry in queue.look()}
        for each in pursued:
            if each.is_open:
                look_at(each, entries.get(each.revision), dataset)
        now = counts(pursued)
        if now != told:
            say(now)
            told = now
        waiting = [each for each in pursued if each.is_open]
        if not waiting:
            return
        if any(each.state == QUEUED for each in waiting):
            for line in workers.fill(min(count, len(waiting))):
                say(line)
        if time.monotonic() - reminded > _REMIND:
            reminded = time.monotonic()
            for each in waiting:
                if each.state == RUNNING and each.revision in entries:
                    say(f"{each.wanted.name}: {entries[each.revision].last_line()}")
        time.sleep(_PAUSE)


def write_page(sweep: Sweep, dataset: str, pursued: Sequence[Pursuit]) -> Path:
    """Write the page that compares them, a row for what failed included."""
    from stages.tools.compare import (
        __main__ as compare,  # it takes MindSpore, which workers need the memory of
    )

    cache = compare.cache_here()
    runs = []
    for each in pursued:
        if each.result:
            runs.append(compare.read(revisions.find(each.result), dataset, cache))
        else:
            wanted = each.wanted
            runs.append(
                compare.failed(wanted.name, dataset, dict(wanted.content), each.verdict, each.why)
            )
    compare.write(sweep.about or sweep.name, dataset, runs, compare.OUTPUT)
    return compare.OUTPUT


if __name__ == "__main__":
    guarded(main)
