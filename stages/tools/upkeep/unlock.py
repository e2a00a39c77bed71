"""Remove DVC's list of what is running where a DVC that was killed left it cut off.

DVC writes the file again at each stage's beginning and end. One that is killed in that moment
leaves it empty, and every later `dvc` refuses to go on ("Unable to read RWLock-file").
"""

from stages.command import guarded, say
from stages.tools.dvc import running


def main() -> None:
    """Run the command; it prints nothing where there is nothing to remove."""
    if running.remove_if_cut_off():
        say(f"removed {running.FILE}, which a DVC that was killed had left cut off")


if __name__ == "__main__":
    guarded(main)
