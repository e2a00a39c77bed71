"""Answer a question by several runs: train one per core, and compare them on a page.

python -m stages sweep                                    list the questions
python -m stages sweep NAME [--seeds 1,2,3] [--dataset D] [-S KEY=VALUE ...] [--workers N]

After any interruption the same command resumes the sweep. Finished runs are not repeated.
"""

import shlex
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from stages.command import argument_parser, guarded, say
from stages.gan import params
from stages.gan.common import locks, paths
from stages.gan.common.errors import UserError
from stages.gan.common.language import _, speaking, translated
from stages.gan.common.yaml_files import read_mapping
from stages.tools.dvc import limits, queue, revisions
from stages.tools.dvc.queue import DONE, QUEUED, RUNNING
from stages.tools.recipe import recipes
from stages.tools.sweep import definitions, plan
from stages.tools.sweep.definitions import Sweep
from stages.tools.sweep.progress import Progress, begin, counts, look_at
from stages.tools.sweep.workers import LOGS, Workers, cores, fitting, memory
from stages.tools.upkeep import unlock

_LOCK = Path(".dvc/tmp/sweep/lock")
_PAUSE = 3.0
_REMIND = 60.0
# The sweep ends with an error after more failures of workers than this.
_FAILURES = 10


def main() -> None:
    """Run the command."""
    parser = argument_parser()
    parser.add_argument(
        "name",
        nargs="?",
        help=_("a file in {folder}/, without .yaml").format(folder=definitions.FOLDER),
    )
    parser.add_argument(
        "--dataset", help=_("a key of params.yaml's `datasets`; default: the first")
    )
    parser.add_argument(
        "-S", "--set-param", action="append", default=[], metavar="KEY=VALUE",
        help=_("change a param in all runs"),
    )  # fmt: skip
    parser.add_argument("--seeds", help=_("train each setting once with each, such as 1,2,3"))
    parser.add_argument("--workers", type=int, help=_("runs at a time; default: one per core"))
    arguments = parser.parse_args()
    if arguments.name is None:
        for known in map(definitions.load, recipes.names(definitions.FOLDER)):
            seeds = ", ".join(map(str, known.seeds))
            seeds = _("; seeds {seeds}").format(seeds=seeds) if seeds else ""
            say(f"{known.name}: {translated(known.about)} ({', '.join(known.settings)}{seeds})")
        return
    if arguments.workers is not None and arguments.workers < 1:
        raise UserError(
            _("--workers is {workers}: valid is 1 or more").format(workers=arguments.workers)
        )
    sweep = definitions.load(arguments.name)
    if arguments.seeds is not None:
        sweep = replace(sweep, seeds=definitions.read_seeds(arguments.seeds))
    content = read_mapping(paths.PARAMS)
    dataset = arguments.dataset or next(iter(content.get("datasets") or {}), "")
    params.check_name(paths.PARAMS, dataset)
    planned = plan.plan(sweep, dataset, content, plan.overrides(arguments.set_param))
    limits.complain_if_no_copies()
    limits.complain_if_not_settable(dataset, [name for each in planned for name in each.changes])
    head = revisions.head()
    network = str(planned[0].outcome["kind.network"])
    count = arguments.workers or fitting(network, memory(), len(cores()))
    unlock.main()
    with locks.lock(_LOCK, _("the queue of experiments")):
        experiments = begin(planned, dataset, head)
        follow(experiments, dataset, count)
    target = write_page(sweep, dataset, experiments)
    for each in experiments:
        how = each.why or translated(DONE)
        say(f"{each.result or each.planned.name} ({each.planned.about}): {how}")
    say(f"{dataset}: {target}")
    failed = [each.planned.name for each in experiments if each.why]
    if failed:
        raise UserError(
            _("{failed} of {count} failed: {names}").format(
                failed=len(failed), count=len(experiments), names=", ".join(failed)
            )
        )


def follow(experiments: Sequence[Progress], dataset: str, count: int) -> None:
    """Let workers run the queued experiments, and report progress, until all have ended.

    If this process is asked to end, it ends the workers too.
    """
    if not any(each.is_open for each in experiments):
        return
    workers = Workers(count)
    say(
        _("at most {count} at a time; `dvc queue logs NAME` shows the progress of a run").format(
            count=count
        )
    )
    try:
        _follow(experiments, dataset, count, workers)
    except BaseException:
        say(_("ending the workers; their trainings save first"))
        workers.end()
        say(
            _("to resume: python -m stages sweep {arguments}").format(
                arguments=shlex.join(sys.argv[1:])
            )
        )
        raise
    if any(entry.state in (QUEUED, RUNNING) for entry in queue.look()):
        say(_("the workers continue with other queued experiments; `dvc queue stop` ends them"))
        return
    workers.end()
    queue.clean()


def _follow(experiments: Sequence[Progress], dataset: str, count: int, workers: Workers) -> None:
    last_counts, reminded = "", time.monotonic()
    while True:
        for line in workers.failed():
            say(line)
        if workers.failures > _FAILURES:
            raise UserError(
                _("workers fail again and again: see {logs}/worker-*.log").format(logs=LOGS)
            )
        entries = {entry.revision: entry for entry in queue.look()}
        for each in experiments:
            if each.is_open:
                look_at(each, entries.get(each.revision), dataset)
        now = counts(experiments)
        if now != last_counts:
            say(now)
            last_counts = now
        unfinished = [each for each in experiments if each.is_open]
        if not unfinished:
            return
        if any(each.state == QUEUED for each in unfinished):
            for line in workers.fill(min(count, len(unfinished))):
                say(line)
        if time.monotonic() - reminded > _REMIND:
            reminded = time.monotonic()
            for each in unfinished:
                if each.state == RUNNING and each.revision in entries:
                    say(f"{each.planned.name}: {entries[each.revision].last_line()}")
        time.sleep(_PAUSE)


def write_page(sweep: Sweep, dataset: str, experiments: Sequence[Progress]) -> Path:
    """Write the page that compares all runs, the failed ones too."""
    # Imported late: it loads MindSpore, and the workers need the memory.
    from stages.tools.compare import __main__ as compare

    cache = compare.find_cache()
    runs = []
    with speaking(params.language(paths.PARAMS)):
        for each in experiments:
            if each.result:
                runs.append(compare.read(revisions.find(each.result), dataset, cache))
            else:
                name, content = each.planned.name, dict(each.planned.content)
                runs.append(compare.failed(name, dataset, content, each.verdict, each.why))
        compare.write(translated(sweep.about) or sweep.name, dataset, runs, compare.OUTPUT)
    return compare.OUTPUT


if __name__ == "__main__":
    guarded(main)
