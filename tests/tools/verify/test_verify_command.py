"""The command as a user runs it; what it finds is tested in test_damage.py."""

import sys
from pathlib import Path

import pytest

from stages.tools.verify import __main__ as verify
from tests.helpers.damage import flip

pytestmark = pytest.mark.pipeline


@pytest.fixture
def run(copied, monkeypatch, capsys):
    """Run the command in this process: its exit code, lines, and errors."""

    def of(*arguments):
        monkeypatch.setattr(sys, "argv", ["verify", *arguments])
        code = 0
        try:
            verify.guarded(verify.main)
        except SystemExit as end:
            code = end.code
        printed = capsys.readouterr()
        return code, printed.out.splitlines(), printed.err.splitlines()

    return of


def test_a_sound_project_is_one_line(copied):
    ended = copied.run("python", "-m", "stages", "verify")
    files = [
        file
        for folder in ("data", "models", "metrics", "reports")
        for file in Path(folder).rglob("*")
        if file.is_file()
    ]
    size = sum(file.stat().st_size for file in files)
    assert ended.stdout == (
        f"mnist, faces: {len(files)} files, {size:,} bytes: "
        "all match dvc.lock and their own checksums\n"
    )
    assert ended.stderr == ""


def test_each_damage_is_a_line_and_the_end_an_error(copied):
    raw, page = Path("data/faces/raw/images.zip"), Path("reports/mnist/index.html")
    flip(raw, 1000)
    page.unlink()
    ended = copied.run("python", "-m", "stages", "verify", check=False)
    assert ended.returncode == 1
    first, second = ended.stdout.splitlines()
    assert first.startswith(f"{raw}: damaged (its md5 is ")
    assert first.endswith(f"; repair: rm -f {raw} && dvc checkout {raw.parent}")
    assert second == f"{page}: missing; repair: dvc checkout {page}"
    (error,) = ended.stderr.splitlines()
    assert error.startswith("error: mnist, faces: 106 files, ")
    assert error.endswith(" bytes; some are wrong: 1 damaged, 1 missing")


def test_it_needs_no_mindspore(copied):
    program = (
        "import sys; sys.argv = ['verify']; from stages.tools.verify import __main__ as verify; "
        "verify.main(); "
        "print('mindspore' in sys.modules)"
    )
    assert copied.run("python", "-c", program, fork=False).stdout.splitlines()[-1] == "False"


def test_it_writes_nothing_into_the_project(copied):
    def state():
        return {
            path: (path.lstat().st_mtime_ns, path.lstat().st_size)
            for path in Path().rglob("*")
            if not path.is_dir() and not {"tmp", "__pycache__"} & set(path.parts)
        }

    before = state()
    copied.run("python", "-m", "stages", "verify", "--cache")
    assert state() == before


def test_names_restrict_it(run):
    flip(Path("data/faces/raw/images.zip"), 1000)
    code, lines, errors = run("mnist")
    assert (code, errors) == (0, [])
    assert lines[0].startswith("mnist: 56 files, ")
    code, lines, errors = run("mnist", "faces")
    assert code == 1
    assert len(lines) == len(errors) == 1


def test_an_unknown_name_is_refused(run):
    code, lines, errors = run("mnits")
    assert (code, lines) == (1, [])
    assert errors == ["error: no data set 'mnits', did you mean mnist? (valid: mnist, faces)"]


def test_damaged_copies_are_found_if_asked_for(run):
    copies = [path for path in Path(".dvc/cache/files").rglob("*") if path.stat().st_size > 100_000]
    flip(copies[0], 1000)
    assert run()[0] == 0
    code, lines, _ = run("--cache")
    assert code == 1
    assert lines[0].startswith(f"{copies[0].absolute()}: damaged in DVC's cache (DVC's copy of ")
    assert "; repair: cp -f " in lines[0]


def test_notes_are_no_error(run):
    file = Path("stages/report.py")
    file.write_text(file.read_text() + "# a remark\n")
    code, lines, errors = run()
    assert (code, errors) == (0, [])
    assert lines[0] == (
        "note: `dvc repro` would run report@mnist, report@faces, because stages/report.py changed "
        "since the last run"
    )


def test_names_cannot_play_with_the_terminal(run):
    folder = Path("data/mnist/raw")
    (folder / "a\nb\x1b[31m").touch()
    import os

    Path(os.fsdecode(b"data/mnist/raw/\xff")).touch()
    code, lines, _ = run()
    assert code == 1
    assert len(lines) == 2
    assert lines[0].startswith(r"data/mnist/raw/a\nb\x1b[31m: extra (it is not in dvc.lock)")
    assert lines[1].startswith(r"data/mnist/raw/\udcff: extra")


def test_a_merge_is_one_line(run):
    lock = Path("dvc.lock")
    lock.write_text(f"<<<<<<< HEAD\n{lock.read_text()}>>>>>>> other\n")
    code, lines, errors = run()
    assert (code, lines) == (1, [])
    assert len(errors) == 1
    assert errors[0].startswith("error: dvc.lock holds both sides of a merge")
