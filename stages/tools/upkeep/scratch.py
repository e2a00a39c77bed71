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
from stages.gan.common.language import _
from stages.gan.data.raw import transfer


def main() -> None:
    """Run the command."""
    parser = argument_parser()
    parser.add_argument("action", nargs="?", choices=("list", "clear", "tidy"), default="list")
    parser.add_argument("names", nargs="*", help=_("data sets or runs; default: all"))
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
            step = _("step {step:,}  ").format(step=run.step) if run.states else ""
            state = _("resumes when it is started again")
            if run.is_running:
                state = _("running")
            elif run.results:
                state = _("finished, but dvc.lock has not its results; `dvc repro` takes them up")
            say(
                _("{dataset}  {name}  {step}{size:,.1f} MB  last used {used}  {state}").format(
                    dataset=run.dataset,
                    name=run.name,
                    step=step,
                    size=run.size / 1000000.0,
                    used=used,
                    state=state,
                )
            )
    else:
        say(_("no unfinished runs"))


def chosen(names: list[str], cleared: list[unfinished.Run]) -> list[unfinished.Run]:
    """The runs with these names; all runs without names. A name may be of a run just cleared."""
    runs = unfinished.runs(workspace.scratch())
    for name in names:
        if not any(name in (run.dataset, run.name) for run in [*runs, *cleared]):
            known = sorted({name for run in runs for name in (run.dataset, run.name)})
            raise UserError(
                _("no unfinished run {name}: valid is {valid}").format(
                    name=name, valid=", ".join(known) or _("nothing")
                )
            )
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
            say(_("removed {dataset}  {name}").format(dataset=run.dataset, name=run.name))
        else:
            say(
                _("kept {dataset}  {name}: it is running").format(
                    dataset=run.dataset, name=run.name
                )
            )
    say(_("{size:,.1f} MB freed").format(size=freed / 1000000.0))


if __name__ == "__main__":
    guarded(main)
