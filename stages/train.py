"""Train generator and discriminator against each other, watch them, and report a verdict.

A run that was cut off is resumed. With several workers, each of them runs this command again.
"""

import sys
from contextlib import suppress
from typing import Any

from stages.command import edits, run_stage, say, workspace
from stages.gan.common import paths, unfinished
from stages.gan.params import Dataset
from stages.gan.training import loop, preparation, results
from stages.gan.training.history import History
from stages.gan.training.preparation import Setup
from stages.gan.training.processes import job, worker
from stages.gan.training.processes.stops import Stops
from stages.gan.training.progress import ProgressBar
from stages.gan.training.ranks import exchange, group
from stages.gan.training.resume.keeper import Keeper
from stages.gan.training.watch import diagnosis
from stages.gan.training.watch.supervisor import Failed, Supervisor

USES = ("kind.network", "train")


def train(dataset: str, params: Dataset) -> None:
    """Train in this process, or in as many workers as the params ask for."""
    workers = params.train.distributed.workers
    if workers > 1 and not group.is_started_by_msrun():
        say(job.about(dataset, workers, params.train.batch_size))
        job.run(["-m", "stages.train", dataset], workers, workspace.scratch(), say)
        return
    with worker.membership(dataset, workers) as (mine, link):
        if mine.leads:  # a page about an earlier run would seem to be about this run
            paths.failure(dataset).unlink(missing_ok=True)
        setup = preparation.prepare(dataset, params, mine)
        link.check_equal(setup.fingerprint)
        if mine.leads:
            lead(setup, link)
        else:
            follow(setup, link)
    if not mine.leads:
        sys.exit()  # rank 0 checks for edits made meanwhile


def lead(setup: Setup, link: exchange.Link) -> None:
    """Train, watch, save, and write the stage's outs."""
    dataset, params = setup.dataset, setup.params
    for line in setup.about():
        say(line)
    history = History()
    diagnosed = diagnosis.of_run(params.train, setup.data, setup.players.generator)
    with (
        unfinished.opened(workspace.scratch(), dataset, "train", setup.fingerprint, say) as kept,
        Stops() as stops,
        ProgressBar(setup.total, params.train.lecture_log) as bar,
    ):
        supervisor = Supervisor(setup, history, diagnosed, bar, write_failure_page)
        keeper = Keeper(kept, setup, history, supervisor, stops, link.ends)
        keeper.restore(say)
        supervisor.begin()
        link.share(setup.players.state)
        link.numbers(history.epochs, len(history.unfinished))
        bar.begin_at(len(history))
        try:
            for epoch in setup.epochs(keeper.look, history.epochs, history.unfinished):
                history.add_epoch(epoch)
                if results.keep_epoch(setup, kept, history, epoch):
                    keeper.save()
                bar.finish_epoch(epoch.number, epoch.means())
        except Failed:
            kept.discard()  # a resumed run would fail again at the same step
            raise
        verdict = supervisor.conclude()
        edits.check(dataset, params, USES)  # while the run could still be resumed
        results.publish(setup, kept, history, verdict, diagnosed.real.diversity)


def follow(setup: Setup, link: exchange.Link) -> None:
    """Compute this rank's part of every step; rank 0 does the rest."""
    with Stops() as stops, suppress(exchange.Over):
        link.share(setup.players.state)
        epochs, steps = link.numbers(0, 0)
        begun = loop.unmeasured(steps)
        for _ in setup.epochs(lambda step, row: link.go_on(stops.requested), epochs, begun):
            pass


def write_failure_page(*arguments: Any) -> str:
    """Import the page late: no out depends on it, so an edit of it need not rerun this stage."""
    from stages.gan.pages import failure

    return failure.write_page(*arguments)


if __name__ == "__main__":
    run_stage(train, *USES)
