"""List what stages have saved until their results are in dvc.lock, or remove it.

python -m stages scratch                  list; what dvc.lock has already is removed first
python -m stages scratch clear [NAME ...] remove it; names are of data sets or runs. Without
                                          names also what has arrived of downloads
python -m stages scratch tidy             remove only what dvc.lock has already, without a word
"""

import time

from stages.command import argument_parser, guarded, recorded, say, workspace
from stages.gan.common import unfinished
from stages.gan.common.errors import UserError
from stages.gan.data.raw import transfer


def main() -> None:
    """Run the command."""
    parser = argument_parser()
    parser.add_argument("action", nargs="?", choices=("list", "clear", "tidy"), default="list")
    parser.add_argument("names", nargs="*", help="data sets or runs; default: all")
    arguments = parser.parse_args()
    cleared = recorded.clear()
    runs = chosen(arguments.names, cleared)
    if arguments.action == "tidy":
        return
    if arguments.action == "clear":
        clear(runs, everything=not arguments.names)
    elif runs:
        for run in runs:
            used = time.strftime("%Y-%m-%d %H:%M", time.localtime(run.used))
            step = f"step {run.step:,}  " if run.states else ""
            state = "resumes when it is started again"
            if run.is_running:
                state = "running"
            elif run.results:
                state = "finished, but dvc.lock has not its results; `dvc repro` takes them up"
            say(
                f"{run.dataset}  {run.name}  {step}{run.size / 1e6:,.1f} MB  "
                f"last used {used}  {state}"
            )
    else:
        say("no unfinished runs")


def chosen(names: list[str], cleared: list[unfinished.Run]) -> list[unfinished.Run]:
    """The runs with these names; all runs without names. A name may be of a run just cleared."""
    runs = unfinished.runs(workspace.scratch())
    for name in names:
        if not any(name in (run.dataset, run.name) for run in [*runs, *cleared]):
            known = sorted({name for run in runs for name in (run.dataset, run.name)})
            raise UserError(f"no unfinished run {name}: valid is {', '.join(known) or 'nothing'}")
    return [run for run in runs if not names or run.dataset in names or run.name in names]


def clear(runs: list[unfinished.Run], everything: bool) -> None:
    """Remove the saved states, except those of running trainings.

    With `everything`, also what has arrived of files that are not being fetched now.
    """
    freed = transfer.clear(workspace.downloads()) if everything else 0
    for run in runs:
        size = run.size
        if unfinished.clear(run):
            freed += size
            say(f"removed {run.dataset}  {run.name}")
        else:
            say(f"kept {run.dataset}  {run.name}: it is running")
    say(f"{freed / 1e6:,.1f} MB freed")


if __name__ == "__main__":
    guarded(main)
