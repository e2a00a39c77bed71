import subprocess

import pytest

from stages import __main__ as commands
from tests.helpers.project import ROOT, Project


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return Project(ROOT).run("python", "-m", "stages", *words, check=False)


def test_every_command_there_is_can_be_named():
    """Whatever calls `guarded` or `run_stage` at its end is a command, and is in the table."""
    found = set()
    # The second is started by our own calls of DVC, and by nobody else.
    no_commands = (ROOT / "stages/__main__.py", ROOT / "stages/tools/dvc/attached.py")
    for path in (ROOT / "stages").rglob("*.py"):
        if path in no_commands:
            continue
        if 'if __name__ == "__main__":' in path.read_text(encoding="utf-8"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found.add(".".join(part for part in parts if part != "__main__"))
    assert found == set(commands.COMMANDS.values())


def test_a_name_is_the_last_part_of_its_module():
    for name, module in commands.COMMANDS.items():
        assert module.rpartition(".")[2] == name


def test_without_a_name_each_is_listed_with_a_line():
    listed = run()
    assert listed.returncode == 0
    for name in commands.COMMANDS:
        (line,) = (each for each in listed.stdout.splitlines() if each.split()[:1] == [name])
        assert line.split(maxsplit=1)[1] == commands.first_line(commands.COMMANDS[name])
    assert run("--help").stdout == listed.stdout


@pytest.mark.parametrize(
    ("word", "guess"), [("swep", ", did you mean sweep?"), ("zzz", " (valid:")]
)
def test_a_misspelt_name_is_one_line(word, guess):
    ended = run(word)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith(f"error: no command {word!r}{guess}")
    assert ended.stderr.count("\n") == 1


def test_a_command_gets_what_follows_its_name():
    ended = run("sweep", "--workers", "0")
    assert ended.returncode == 0  # without a question it lists them
    assert "learning_rate:" in ended.stdout
    wrong = run("sweep", "no-such-question")
    assert wrong.returncode == 1
    assert wrong.stderr.startswith("error: ")
    assert "usage: python -m stages sweep " in run("sweep", "--help").stdout
    assert "usage: python -m stages train " in run("train", "--help").stdout
