"""Remove DVC's list of running stages if a killed DVC process left it incomplete.

DVC writes the file at the start and the end of each stage. If DVC is killed in that moment, the
file is empty, and every later `dvc` command fails ("Unable to read RWLock-file"). It also says if
DVC has emptied its configuration.
"""

from stages.command import guarded, say
from stages.gan.common.language import _
from stages.tools.dvc import limits, running


def main() -> None:
    """Run the command; it prints nothing if there is nothing to remove or to say."""
    if running.remove_if_cut_off():
        say(
            _("removed {file}: a killed DVC process had left it incomplete").format(
                file=running.FILE
            )
        )
    if found := limits.emptied_configuration():
        say(_("note: {found}").format(found=found))


if __name__ == "__main__":
    guarded(main)
