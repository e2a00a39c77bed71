import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from stages.gan.common.locks import Held, is_held, let_go, lock

HOLD = """
import sys, time
from pathlib import Path
from stages.gan.common.locks import lock
with lock(Path(sys.argv[1]), "the run"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """A process that holds the lock."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "lock")], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_second_process_is_told_who_holds_it(tmp_path, holder):
    assert is_held(tmp_path / "lock")
    with (
        pytest.raises(Held, match=f"the run is in use by process {holder.pid} on "),
        lock(tmp_path / "lock", "the run"),
    ):
        pass


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_dead_process_holds_nothing(tmp_path, holder, number):
    holder.send_signal(number)
    holder.wait()
    assert not is_held(tmp_path / "lock")
    with lock(tmp_path / "lock", "the run"):
        assert is_held(tmp_path / "lock")
    assert not is_held(tmp_path / "lock")


def test_one_that_ends_soon_is_waited_for(tmp_path, holder):
    said = []
    threading.Timer(0.5, holder.kill).start()
    with lock(tmp_path / "lock", "the run", 30, said.append):
        assert is_held(tmp_path / "lock")
    assert len(said) == 1
    assert str(holder.pid) in said[0]


def test_a_holder_may_remove_the_file(tmp_path):
    file = tmp_path / "folder/lock"
    with lock(file, "the run"):
        file.unlink()
        file.parent.rmdir()
        # what another makes in its place is another lock
        with lock(file, "the run"):
            pass
    with lock(file, "the run"):
        pass


def test_of_many_one_at_a_time_gets_it_though_each_removes_the_file(tmp_path):
    file = tmp_path / "folder/lock"
    inside, most, done = [], [], []

    def work():
        for _ in range(20):
            with lock(file, "the run", 60, lambda message: None):
                inside.append(1)
                most.append(len(inside))
                time.sleep(0.001)
                inside.pop()
                let_go(file)
        done.append(1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 4
    assert max(most) == 1


def test_the_folder_stays_if_another_has_begun_in_it(tmp_path):
    file = tmp_path / "folder/lock"
    with lock(file, "the run"):
        (tmp_path / "folder/other").write_text("")
        let_go(file)
        assert [path.name for path in file.parent.iterdir()] == ["other"]
        with lock(file, "the run"):
            pass


def test_a_folder_may_go_just_when_it_is_wanted(tmp_path, monkeypatch):
    really, times = Path.mkdir, []

    def mkdir(self, *args, **options):
        times.append(self)
        if len(times) == 1:  # it was there, and is not any more
            raise FileExistsError(17, "File exists", str(self))
        return really(self, *args, **options)

    monkeypatch.setattr(Path, "mkdir", mkdir)
    with lock(tmp_path / "folder/lock", "the run"):
        pass
    assert len(times) == 2


def test_looking_at_a_lock_makes_nothing(tmp_path):
    assert not is_held(tmp_path / "folder/lock")
    assert not (tmp_path / "folder").exists()
    (tmp_path / "lock").touch()
    assert not is_held(tmp_path / "lock")
    with lock(tmp_path / "lock", "the run"):
        assert is_held(tmp_path / "lock")


def test_a_lock_without_words_is_a_lock(tmp_path):
    with lock(tmp_path / "lock", "the run"):
        (tmp_path / "lock").write_text("")
        with pytest.raises(Held, match="another process"), lock(tmp_path / "lock", "the run"):
            pass


def test_trouble_with_the_disk_is_no_held_lock(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match=r"Not a directory|exists"), lock(tmp_path / "file/lock", "x"):
        pass


def test_children_do_not_keep_it(tmp_path):
    with lock(tmp_path / "lock", "the run"):
        child = subprocess.Popen(["sleep", "60"])
    assert not is_held(tmp_path / "lock")
    child.kill()
    child.wait()
    assert os.path.exists(tmp_path / "lock")
