"""The commands as a user runs them, from a run to somebody else's folder."""

import hashlib
import json
import os
import re
import sys
import zipfile
from pathlib import Path

import pytest

from stages.gan.common import paths
from stages.gan.evaluation.critic import two_sample
from stages.gan.evaluation.quality import measuring
from stages.tools.bundle import __main__ as bundle
from stages.tools.bundle import check, environment, summary
from tests.helpers.bundle import archive_of, pack
from tests.helpers.damage import flip
from tests.helpers.data import tree
from tests.helpers.project import Project

pytestmark = pytest.mark.pipeline


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the command in this process: its exit code, lines, and errors."""

    def of(*arguments):
        monkeypatch.setattr(sys, "argv", ["bundle", *map(str, arguments)])
        code = 0
        try:
            bundle.guarded(bundle.main)
        except SystemExit as end:
            code = end.code
        printed = capsys.readouterr()
        return code, printed.out.splitlines(), printed.err.splitlines()

    return of


def test_from_a_run_to_the_same_images_elsewhere(copied, tmp_path):
    packed = copied.run("python", "-m", "stages", "bundle", "mnist").stdout.splitlines()[-1]
    archive = Path("bundles/mnist.zip")
    assert packed.startswith(f"mnist: {archive}, ")
    assert packed.endswith(f" bytes, sha256 {hashlib.sha256(archive.read_bytes()).hexdigest()}")
    # Elsewhere there is the code, and nothing else.
    other = Project(tmp_path / "other")
    copied.run("git", "clone", "-q", str(copied.folder), str(other.folder))
    archive.rename(other.folder / "got.zip")
    shown = other.run(
        "python", "-m", "stages", "bundle", "--check", "got.zip", "--unpack", "got"
    ).stdout
    assert packed.rpartition(" ")[2] in shown
    assert "unpacked to got" in shown
    assert "warning" not in shown
    for name in ("params.yaml", "dvc.lock", paths.report("mnist")):
        assert (other.folder / "got" / name).read_bytes() == Path(name).read_bytes()
    draw = ["python", "-m", "stages", "generate", "mnist", "--output", "grid.png"]
    copied.run(*draw)
    model = Path("got") / paths.models("mnist")
    other.run(*draw, "--model", str(model))
    other.run(*draw[:-1], "of-final.png", "--model", str(model / "final"))
    expected = Path("grid.png").read_bytes()
    assert (other.folder / "grid.png").read_bytes() == expected
    assert (other.folder / "of-final.png").read_bytes() == expected


def test_the_same_run_makes_the_same_bytes(copied, run, tmp_path):
    assert run("mnist")[0] == 0
    assert run("mnist", "--output", tmp_path / "again.zip")[0] == 0
    first, second = Path("bundles/mnist.zip"), tmp_path / "again.zip"
    assert first.read_bytes() == second.read_bytes()
    assert run("mnist", "--output", tmp_path / "folder")[0] == 0
    with zipfile.ZipFile(first) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == tree(
            tmp_path / "folder"
        )
    code, lines, errors = run("--check", tmp_path / "folder")
    assert (code, errors) == (0, [])
    assert lines[0].endswith(" bytes: all match the manifest")


def test_nothing_in_it_names_this_machine_or_a_time(copied, run, tmp_path):
    run("faces", "--output", tmp_path / "folder")
    described = (tmp_path / "folder/environment.json").read_text()
    assert not re.search(r"/|\d{4}-\d\d-\d\d|\d\d:\d\d", described)
    for name, content in tree(tmp_path / "folder").items():
        assert str(copied.folder).encode() not in content, name


def test_it_shows_verdict_scores_floors_and_checkpoints(copied, run):
    run("mnist")
    code, lines, errors = run("--check", "bundles/mnist.zip")
    assert (code, errors) == (0, [])
    text = "\n".join(lines)
    train = json.loads((paths.metrics("mnist") / "train.json").read_text())
    evaluate = json.loads((paths.metrics("mnist") / "scores.json").read_text())
    assert "mnist: bundled:digits, not the real data" in text
    assert train["verdict"] in text
    for section, names in (("quality", measuring.NAMES), ("critic", two_sample.NAMES)):
        for name in names:
            score = evaluate[section][name]
            (line,) = (line for line in lines if line.startswith(f"{section}.{name} "))
            assert line.split()[1:] == [
                "-" if score[key] is None else f"{score[key]:.4f}"
                for key in ("value", "error", "floor")
            ]
    heads = [line for line in lines if line.startswith(("score ", "cross-entropy "))]
    assert len(heads) == 2
    wide = next(line for line in lines if line.startswith("quality.untrained_frechet_distance"))
    assert wide.index(wide.split()[1]) + len(wide.split()[1]) == heads[0].index("value") + 5
    term = evaluate["bce"]["generator"]
    (line,) = (line for line in lines if line.startswith("bce.generator"))
    assert line.split()[1:] == [f"{term[key]:.4f}" for key in ("value", "distance")]
    assert f"checkpoint   {paths.models('mnist')}/final, which has these scores" in lines
    assert f"checkpoint   {paths.models('mnist')}/epoch-0001" in lines
    head = copied.run("git", "rev-parse", "HEAD").stdout.strip()
    assert lines[-2].startswith(f"commit       {head}")
    assert lines[-1].startswith("licence      The code that made these files is under Apache-2.0.")


def test_other_versions_are_a_warning_and_no_error(copied, run, monkeypatch):
    run("mnist")
    here = environment.describe()
    here["packages"]["numpy"] = "1.99"
    monkeypatch.setattr(environment, "describe", lambda: here)
    code, lines, errors = run("--check", "bundles/mnist.zip")
    assert (code, errors) == (0, [])
    (line,) = (line for line in lines if line.startswith("warning: "))
    assert re.search(r"numpy 1\.26\.\d+, here 1\.99$", line)


def test_damage_is_named_and_ends_in_an_error(copied, run, tmp_path):
    run("mnist", "--output", "got")
    page = paths.report("mnist")
    flip(Path("got") / page, 99)
    (Path("got") / paths.metrics("mnist") / "train.json").unlink()
    Path("got/a\x1b[31m").touch()
    code, lines, errors = run("--check", "got", "--unpack", tmp_path / "out")
    assert code == 1
    assert lines == [
        r"a\x1b[31m: extra (not in the manifest)",
        f"{paths.metrics('mnist')}/train.json: missing",
        f"{page}: damaged (its sha256 differs from the manifest)",
    ]
    (error,) = errors
    assert error.startswith("error: got: ")
    assert error.endswith("; some are wrong: 1 extra, 1 missing, 1 damaged")
    assert not (tmp_path / "out").exists()


def test_a_flipped_byte_of_the_archive_is_an_error(copied, run):
    run("mnist")
    archive = Path("bundles/mnist.zip")
    for place in (0, 20, 5000, archive.stat().st_size - 1):
        flip(archive, place)
        code, _, errors = run("--check", archive)
        assert (code, len(errors)) == (1, 1)
        flip(archive, place)
    assert run("--check", archive)[0] == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mnits"], "did you mean mnist?"),
        (["mnist", "--output", "a.tar"], "--output is a.tar: valid is a .zip or a folder"),
        (["mnist", "--output", "metrics"], "metrics exists already"),
        (["--check", "none.zip"], "none.zip does not exist"),
        (["--check", "metrics"], "metrics is not a bundle: it should hold bundle.json"),
        (["--check", "none.zip", "--unpack", "metrics"], "metrics exists already"),
    ],
)
def test_mistakes_are_one_line(copied, run, arguments, message):
    code, lines, (error,) = run(*arguments)
    assert (code, lines) == (1, [])
    assert message in error


@pytest.mark.parametrize(
    "arguments",
    [[], ["mnist", "--check", "a"], ["--check", "a", "--output", "b"], ["mnist", "--unpack", "b"]],
)
def test_what_does_not_go_together_is_refused(copied, run, arguments):
    code, _, errors = run(*arguments)
    assert code == 2
    assert "error: " in errors[-1]


def test_a_stale_run_is_not_packed(copied, run):
    params = copied.params
    params["mnist"]["train"]["seed"] = 5
    copied.write_params(params)
    code, lines, (error,) = run("mnist")
    assert (code, lines) == (1, [])
    assert error.endswith("run `dvc repro report@mnist play@mnist` first")
    assert not Path("bundles").exists()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is always full")
def test_a_full_disk_is_one_line_and_leaves_nothing(copied, run, monkeypatch):
    opened = Path.open

    def full(self, mode="r", *arguments, **options):
        return opened(Path("/dev/full") if mode == "wb" else self, mode, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", full)
        for output in ("a.zip", "a"):
            code, lines, (error,) = run("mnist", "--output", output)
            assert (code, lines) == (1, [])
            assert "No space left on device" in error
    assert not [path for path in os.listdir() if path.startswith(("a", ".incomplete"))]


@pytest.mark.parametrize(
    "contents",
    [
        {},
        {"metrics/mnist/train.json": b"{}", "metrics/mnist/scores.json": b'{"quality": 3}'},
        {"environment.json": b'{"packages": [], "git": 7, "python": {}}'},
        {
            "metrics/mnist/scores.json": b'{"quality": {"recall": {"value": "x"}}}',
            "metrics/mnist/train.json": b'{"verdict": "\\u001b[31m\\n", "data": []}',
        },
    ],
)
def test_what_a_sound_bundle_says_of_itself_is_not_trusted(tmp_path, contents):
    checked = check.check(pack(tmp_path / "a.zip", contents))
    assert checked.damages == {}
    assert len(list(summary.lines(checked))) >= 13
    summary.warnings(checked)


def test_a_hostile_archive_ends_in_one_line(copied, run, tmp_path):
    archive = archive_of(tmp_path / "a.zip", {"../evil": b"x"}, {"../evil": b"x"})
    code, lines, (error,) = run("--check", archive, "--unpack", tmp_path / "out")
    assert (code, lines) == (1, [])
    assert "leads outside: '../evil'" in error
    assert not (tmp_path / "evil").exists()
