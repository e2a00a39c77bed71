"""The judge of the campaign of faults: whatever is planted, it must see."""

import random
import signal

import pytest

from tests.faults import campaign
from tests.faults.groups import GROUPS
from tests.faults.groups.pipelines import cut_newest_state
from tests.faults.trial import (
    EITHER,
    ERROR,
    SUCCESS,
    Ending,
    Fault,
    Outcome,
    References,
    Skip,
    Trial,
    compare,
)
from tests.faults.world import World

# Does as the file `order` says; without one it makes its outs, unless it was broken for good.
TOOL = """
import pathlib, subprocess, sys, time
order = pathlib.Path("order").read_text()
out = pathlib.Path("made")
if order == "traceback":
    raise ValueError("planted")
if order == "hang":
    time.sleep(600)
if order == "half":
    out.mkdir(exist_ok=True)
    (out / "one").write_text("on")
    sys.exit("error: planted")
if order == "half left":
    pathlib.Path(".incomplete-made").mkdir()
    sys.exit("error: planted")
if order == "outside":
    pathlib.Path("../elsewhere/escaped").write_text("x")
    sys.exit("error: planted")
if order == "home":
    (pathlib.Path.home() / "escaped").write_text("x")
if order == "orphan":
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
if order == "silent":
    sys.exit(3)
if order == "two lines":
    sys.exit("error: planted\\nerror: another")
if order == "in spite":
    print("error: planted", file=sys.stderr)
if order == "clear":
    sys.exit("error: the planted cause")
if order == "lasting":
    pathlib.Path("broken").write_text("x")
    sys.exit("error: planted")
if pathlib.Path("broken").exists():
    sys.exit("error: still broken")
out.mkdir(exist_ok=True)
for file in out.iterdir():
    if order != "mixed":
        file.unlink()
(out / "one").write_text("other" if order == "other" else "one")
if order != "missing":
    (out / "two").write_text("two")
if order == "lost" or pathlib.Path("worse").exists():
    pathlib.Path("worse").write_text("x")
    (out / "two").write_text("worse")
"""


def prepare(_references, world):
    (world.project / "tool.py").write_text(TOOL)
    (world.project / "order").write_text("")


@pytest.fixture
def judged(tmp_path):
    """What the judge says of a command that misbehaves as ordered."""

    def make(name):
        return World(tmp_path / name.replace(" ", "-"), random.Random(name), tmp_path / "shared")

    references = References(tmp_path, tmp_path, tmp_path / "shared", make)

    def of(order, may=EITHER, **options):
        def spoil(world):
            (world.project / "order").write_text(order)

        command = ("python", "tool.py")
        trial = Trial(command, ("made",), prepare, spoil, "tool", may, seconds=5, **options)
        world = make("world")
        try:
            outcome = trial(references, world)
            assert world.processes() == []
            return outcome
        finally:
            world.close()

    return of


def test_success_and_a_clear_error_pass(judged):
    assert judged("", SUCCESS) == Outcome(Ending.SUCCEEDED)
    assert judged("clear", ERROR, mention="planted cause") == Outcome(Ending.CLEAR)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("order", "ending", "note"),
    [
        ("traceback", Ending.TRACEBACK, "ValueError: planted"),
        ("hang", Ending.HANG, "did not end"),
        ("half", Ending.LOST, "made is not whole: missing made/two; not expected made/earlier.txt"),
        ("half left", Ending.LOST, "left behind: .incomplete-made"),
        ("outside", Ending.LOST, "outside of the project: not expected elsewhere/escaped"),
        ("home", Ending.LOST, "outside of the project: not expected home/escaped"),
        ("orphan", Ending.LOST, "1 processes were left alive"),
        ("silent", Ending.TRACEBACK, "ended with 3 and 0 error lines"),
        ("two lines", Ending.TRACEBACK, "2 error lines"),
        ("in spite", Ending.LOST, "exit code 0 in spite of error: planted"),
        ("other", Ending.LOST, "made is not whole: different made/one"),
        ("missing", Ending.LOST, "made is not whole: missing made/two"),
        ("mixed", Ending.LOST, "made is not whole: not expected made/earlier.txt"),
        ("lasting", Ending.LOST, "without the fault it still fails: error: still broken"),
        ("lost", Ending.LOST, "afterwards not as without the fault: different made/two"),
    ],
)
def test_what_is_planted_is_seen(judged, order, ending, note):
    outcome = judged(order)
    assert outcome.ending is ending
    assert note in "\n".join(outcome.notes)


def test_an_ending_that_is_not_allowed_is_seen(judged):
    assert judged("", ERROR).ending is Ending.LOST
    assert judged("clear", SUCCESS).ending is Ending.LOST


def test_an_error_that_does_not_name_the_cause_is_seen(judged):
    assert judged("clear", ERROR, mention="another cause").ending is Ending.TRACEBACK


def test_a_success_that_is_not_accepted_is_seen(judged):
    refused = judged("", SUCCESS, accepted=lambda world: "no good")
    assert refused.ending is Ending.LOST
    assert "lost or damaged: no good" in refused.notes
    assert judged("", SUCCESS, accepted=lambda world: "").ending is Ending.SUCCEEDED


def test_files_of_an_earlier_run_among_accepted_ones_are_seen(judged):
    assert judged("mixed", SUCCESS, accepted=lambda world: "").ending is Ending.LOST


def fault(name, ending, count=1):
    def conduct(_references, _world):
        if ending is None:
            raise ZeroDivisionError("planted")
        return Outcome(ending)

    return Fault("planted", name, conduct, count=count)


def test_the_campaign_counts_every_ending_and_its_own_failures(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(campaign, "make_template", lambda folder: folder)
    planted = [
        fault("a", Ending.SUCCEEDED, 3),
        fault("b", Ending.CLEAR),
        fault("c", Ending.HANG),
        fault("d", Ending.TRACEBACK),
        fault("e", None),
        fault("f", Ending.SKIPPED),
    ]
    results = campaign.run(planted, tmp_path, 1, 2)
    assert campaign.summary(planted, results) == (
        "faults injected: 7, succeeded: 3, clear errors: 1, lost or damaged: 1, tracebacks: 1, "
        "hangs: 1"
    )
    assert "ZeroDivisionError: planted" in results[4].notes[0]
    assert campaign.table(planted, results).splitlines()[2:] == [
        "| planted | 7 | 3 | 1 | 1 | 1 | 1 |",
        "| all | 7 | 3 | 1 | 1 | 1 | 1 |",
    ]
    campaign.report(planted, results, 7)
    assert "again: python -m tests.faults --seed 7 --only 'planted: c'" in capsys.readouterr().out


def test_a_fault_that_cannot_be_injected_is_no_fault(tmp_path):
    def spoil(_world):
        raise Skip("not here")

    def make(name):
        return World(tmp_path / name, random.Random(0), tmp_path / "shared")

    references = References(tmp_path, tmp_path, tmp_path / "shared", make)
    trial = Trial(("python", "tool.py"), ("made",), prepare, spoil, "tool")
    assert trial(references, make("world")) == Outcome(Ending.SKIPPED, ["not here"])


def test_every_fault_has_a_name_of_its_own():
    names = [(fault.group, fault.name) for group in GROUPS for fault in group.faults()]
    assert len(names) == len(set(names))


def test_the_full_campaign_is_large_enough():
    chosen = campaign.choose(True, [], 1)
    assert sum(fault.count for fault in chosen) >= 200
    assert sum(fault.count for fault in chosen if fault.group == "kills") >= 50


def test_of_many_differences_the_first_are_named_and_the_others_counted():
    seen = {f"epoch-{number}": "a" for number in range(8)}
    one = {**seen, "epoch-3": "b"}
    all_of_them = dict.fromkeys(seen, "b")
    assert compare(seen, seen) == ""
    assert compare(seen, one) == "different epoch-3"
    assert compare(seen, all_of_them) == (
        "different epoch-0, epoch-1, epoch-2, epoch-3, epoch-4, epoch-5 and 2 more"
    )


def test_a_cut_of_the_power_leaves_nothing_running(tmp_path):
    """A stage outlives a DVC that was killed. It would publish a file that is cut meanwhile."""
    world = World(tmp_path / "world", random.Random(0), tmp_path / "shared")
    try:
        states = world.project / ".scratch"
        states.mkdir()
        (states / "new").write_bytes(bytes(100))
        running = world.start("sleep", "600")
        assert world.processes() == [running.process.pid]
        cut_newest_state(world)
        assert world.processes() == []
        assert (states / "new").stat().st_size == 50
        assert running.process.wait(10) == -signal.SIGKILL
    finally:
        world.close()
