"""Answer a question by several runs: train one per core, and compare them on a page.

python -m stages sweep                                    list the questions
python -m stages sweep NAME [--seeds 1,2,3] [--dataset D] [-S KEY=VALUE ...]
                            [--workers N | --cluster ADDRESS]

After any interruption the same command resumes the sweep. Finished runs are not repeated.
"""

import shlex
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from stages.command import argument_parser, guarded, say
from stages.gan import params
from stages.gan.common import locks, paths
from stages.gan.common.errors import UserError
from stages.gan.common.language import _, speaking, translated
from stages.gan.common.yaml_files import read_mapping
from stages.tools.dvc import clones, limits, revisions
from stages.tools.recipe import recipes
from stages.tools.sweep import definitions, plan
from stages.tools.sweep.definitions import Sweep
from stages.tools.sweep.plan import Planned
from stages.tools.sweep.progress import DONE, RUNNING, Progress, begin, counts
from stages.tools.sweep.workers import Workers, cores, fitting, memory
from stages.tools.upkeep import unlock

_LOCK = clones.FOLDER / "lock"
_PAUSE = 1.0
_REMIND = 60.0


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
    places = parser.add_mutually_exclusive_group()
    places.add_argument("--workers", type=int, help=_("runs at a time; default: one per core"))
    places.add_argument(
        "--cluster", metavar="ADDRESS",
        help=_("run on the workers of dask's scheduler there, such as {address}").format(
            address="tcp://10.0.0.1:8786"
        ),
    )  # fmt: skip
    parser.add_argument("--seeds", help=_("train each setting once with each, such as 1,2,3"))
    arguments = parser.parse_args()
    if arguments.name is None:
        for known in map(definitions.load, recipes.names(definitions.FOLDER)):
            seeds = ", ".join(map(str, known.seeds))
            seeds = _("; seeds {seeds}").format(seeds=seeds) if seeds else ""
            say(
                _("{name}: {about} ({settings}{seeds})").format(
                    name=known.name,
                    about=translated(known.about),
                    settings=", ".join(known.settings),
                    seeds=seeds,
                )
            )
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
    limits.complain_if_shallow()
    limits.complain_if_not_settable(dataset, [name for each in planned for name in each.changes])
    head = revisions.head()
    unlock.main()
    with locks.lock(_LOCK, _("the sweep of this project")):
        inputs = f"preprocess@{dataset}", f"judge@{dataset}"
        if arguments.cluster:
            experiments = on_cluster(
                arguments.cluster, planned, dataset, head, f"report@{dataset}", inputs
            )
        else:
            experiments = begin(planned, dataset, head, f"report@{dataset}")
            tell_of_unmade(experiments, [f"download@{dataset}", *inputs])
            network = str(planned[0].outcome["kind.network"])
            count = arguments.workers or fitting(network, memory(), len(cores()))
            where = _("at most {count} at a time").format(count=count)
            follow(experiments, Workers(count), where)
    target = write_page(sweep, dataset, experiments)
    for each in experiments:
        how = each.why or translated(DONE)
        name = each.result or each.planned.name
        say(_("{name} ({about}): {how}").format(name=name, about=each.planned.about, how=how))
    say(f"{dataset}: {target}")
    failed = [each.planned.name for each in experiments if each.why]
    if failed:
        raise UserError(
            _("{failed} of {count} failed: {names}").format(
                failed=len(failed), count=len(experiments), names=", ".join(failed)
            )
        )


def on_cluster(
    address: str,
    planned: Sequence[Planned],
    dataset: str,
    head: str,
    target: str,
    inputs: Sequence[str],
) -> list[Progress]:
    """Run the experiments on the workers of a scheduler, and fetch their results.

    `target` is the stage that they make, and `inputs` are the stages whose outs are sent to them.
    """
    from stages.tools.sweep.cluster import Cluster  # late: it needs the extra `cluster`

    cluster = Cluster(address)
    clones.fetch_finished(head)
    experiments = begin(planned, dataset, head, target)
    tell_of_unmade(experiments, inputs)
    cluster.send(experiments, inputs)
    follow(experiments, cluster, _("on the workers of {address}").format(address=address))
    cluster.collect(experiments)
    return experiments


def tell_of_unmade(experiments: Sequence[Progress], stages: Sequence[str]) -> None:
    """Say which stages several experiments would make, each for itself."""
    if sum(each.is_open for each in experiments) > 1 and (left := clones.unmade(stages)):
        say(
            _(
                "no results here of {stages}: each experiment makes its own; `dvc repro {stages}` "
                "before the sweep makes them once"
            ).format(stages=" ".join(left))
        )


class Places(Protocol):
    """Where experiments run: this machine's cores, or a cluster's workers."""

    def look(self, experiments: Sequence[Progress]) -> None:
        """Settle the experiments that have ended, and start others."""

    def end(self) -> None:
        """End all experiments; their trainings save first."""


def follow(experiments: Sequence[Progress], places: Places, where: str) -> None:
    """Run the queued experiments, and report progress, until all have ended.

    If this process is asked to end, it ends them too.
    """
    if not any(each.is_open for each in experiments):
        return
    say(where)
    try:
        _follow(experiments, places)
    except BaseException:
        # First how to resume: to end them takes a while, and may fail.
        say(
            _("to resume: python -m stages sweep {arguments}").format(
                arguments=shlex.join(sys.argv[1:])
            )
        )
        say(_("ending the experiments; their trainings save first"))
        places.end()
        raise


def _follow(experiments: Sequence[Progress], places: Places) -> None:
    last_counts, reminded = "", time.monotonic()
    while True:
        places.look(experiments)
        now = counts(experiments)
        if now != last_counts:
            say(now)
            last_counts = now
        if not any(each.is_open for each in experiments):
            return
        if time.monotonic() - reminded > _REMIND:
            reminded = time.monotonic()
            for each in experiments:
                if each.is_open and each.state == RUNNING:
                    say(f"{each.experiment.name}: {each.line}")
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
