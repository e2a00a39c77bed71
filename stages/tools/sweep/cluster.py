"""Runs the experiments of a sweep on the workers of a cluster, by dask.distributed.

The scheduler and the workers are dask's own programs, and run before the sweep starts. What a
worker does is in `work`. A sweep that ends leaves its experiments to the scheduler, unless it is
asked to end by Ctrl-C or SIGTERM. The next sweep asks for the same experiments by the same keys, so
it finds those that run.
"""

import time
from collections.abc import Sequence

from stages.command import say
from stages.gan.common.errors import UserError
from stages.gan.common.language import _, retold, translated
from stages.tools.dvc import clones, pipeline
from stages.tools.dvc.commands import dvc
from stages.tools.dvc.git import git
from stages.tools.sweep import runs
from stages.tools.sweep.progress import QUEUED, RUNNING, Progress
from stages.tools.sweep.runs import Outcome

try:
    from distributed import Client, Future, fire_and_forget

    from stages.tools.sweep import work
except ModuleNotFoundError as _error:
    if (_error.name or "").partition(".")[0] not in ("dask", "distributed"):
        raise
    raise UserError(
        _("{name} is not installed, and --cluster needs it: `pip install -e '.[cluster]'`").format(
            name=_error.name
        )
    ) from None

# Seconds to wait for the scheduler, and for the experiments to save and end.
_PATIENCE = 20.0
_ENDING = 120.0
_PAUSE = 0.5
# What dask raises if the scheduler is out of reach.
_LOST = (OSError, RuntimeError, ValueError)
# Seconds between two looks at the list of workers.
_WORKERS = 10.0


class Cluster:
    """The workers of the scheduler at an address, such as tcp://10.0.0.1:8786.

    Raises
    ------
    UserError
        If no scheduler answers, or this project has no remotes of git and DVC.
    """

    def __init__(self, address: str) -> None:
        _complain_without_remotes()
        self._address = address
        try:
            self._client = Client(address, timeout=_PATIENCE)
        except (OSError, ValueError, TypeError, ImportError) as error:
            reason = " ".join(str(error).split())
            raise UserError(
                _("no scheduler answers at {address}: {reason}").format(
                    address=address, reason=reason
                )
            ) from None
        self._here = work.about()
        self._futures: dict[str, Future] = {}
        self._kept: dict[str, list[str]] = {}
        self._said: dict[str, dict[str, str]] = {}
        self._client.subscribe_topic(work.TOPIC, self._hear)
        self._told: set[str] = set()
        self._looked = -_WORKERS

    def send(self, experiments: Sequence[Progress], inputs: Sequence[str]) -> None:
        """Send the files of the open experiments by git, and the outs of stages by DVC."""
        waiting = [each.experiment for each in experiments if each.is_open]
        if waiting:
            clones.send_files(waiting)
            say(_("sending the data to DVC's remote"))
            dvc("push", "--with-deps", *inputs)

    def look(self, experiments: Sequence[Progress]) -> None:
        """Settle the experiments that have ended, and hand the others to the scheduler.

        Raises
        ------
        UserError
            If the scheduler is gone.
        """
        try:
            if self._is_connected:
                self._look(experiments)
                return
        except _LOST as error:
            if self._is_connected:
                self._complain(error)
        time.sleep(_PAUSE)  # dask needs a moment to notice; then it tries for `_PATIENCE`
        if not self._is_connected and self._client.status != "connecting":
            self._complain()
        # dask has given up these futures, but the scheduler has not: the experiments run on, and
        # are asked for again.
        self._futures.clear()

    @property
    def _is_connected(self) -> bool:
        words = self._client.scheduler_comm
        return self._client.status == "running" and words is not None and not words.closed()

    def _complain(self, error: Exception | None = None) -> None:
        """Say that the scheduler is gone; an error that has other reasons is raised as it is."""
        # An OSError of dask has no number, such as "Timed out trying to connect".
        if error is not None and getattr(error, "errno", 0) is not None:
            raise error
        raise UserError(
            _(
                "the scheduler at {address} is gone: its workers stop their experiments, which "
                "save; start the scheduler and the workers again"
            ).format(address=self._address)
        ) from None

    def _look(self, experiments: Sequence[Progress]) -> None:
        self._look_at_workers()
        for each in experiments:
            key = each.experiment.key
            if each.is_open and key not in self._futures:
                self._hand_over(each)
            elif each.is_open and self._futures[key].done():
                each.settle(self._outcome(key))
            elif each.is_open:
                self._listen(each)

    def end(self) -> None:
        """End all experiments; their trainings save first, so that they can resume.

        Without the scheduler the workers do it by themselves.
        """
        try:
            if self._is_connected:
                self._end()
        except _LOST as error:
            if self._is_connected:
                self._complain(error)

    def _end(self) -> None:
        for future in self._futures.values():
            work.stopper(future.key, self._client).set()
        last = time.monotonic() + _ENDING
        while any(not future.done() for future in self._futures.values()):
            if time.monotonic() > last:
                say(_("some experiments have not ended: no worker has answered"))
                break
            time.sleep(_PAUSE)
        self._client.cancel(list(self._futures.values()), force=True)

    def collect(self, experiments: Sequence[Progress]) -> None:
        """Fetch the finished experiments with their data, and tidy git's remote."""
        names = [each.result for each in experiments if each.result == each.experiment.name]
        names += [each.result for each in experiments if each.result and each.result not in names]
        known = clones.sent_names(experiments[0].experiment.baseline)
        if names := [name for name in names if name in known]:
            say(_("fetching {count} experiments with their data").format(count=len(names)))
            dvc("exp", "pull", clones.REMOTE, *names)
        clones.forget_files([each.experiment for each in experiments if not each.is_open])

    def _hand_over(self, each: Progress) -> None:
        key = each.experiment.key
        if key in self._client.futures:  # the last try is not forgotten yet
            return
        work.stopper(key, self._client).clear()
        # Where its states are, if these workers are still there.
        places = self._kept.get(key, [])
        self._futures[key] = self._client.submit(
            work.work, each.experiment, self._here, key=key, pure=False,
            workers=places or None, allow_other_workers=bool(places),
        )  # fmt: skip
        # It goes on if this sweep is killed.
        fire_and_forget(self._futures[key])

    def _outcome(self, key: str) -> Outcome:
        """How a future ended; it is forgotten, so that its experiment can be handed over again."""
        future = self._futures.pop(key)
        self._said.pop(key, None)
        if future.status == "finished":
            outcome: Outcome = future.result()
            self._kept[key] = list(self._client.who_has([future]).get(key, ()))
            if outcome.state == runs.STOPPED:
                outcome = Outcome(runs.KILLED, "", _("was stopped by another sweep"))
        else:
            # dask gives up where workers were killed again and again; another sweep may cancel it.
            said = future.exception() if future.status == "error" else future.status
            reason = " ".join(str(said).split())
            why = _("was given back ({reason})").format(reason=reason)
            outcome = Outcome(runs.KILLED, "", why)
        return outcome

    def _hear(self, event: tuple[float, dict[str, str]]) -> None:
        self._said[event[1]["key"]] = event[1]

    def _listen(self, each: Progress) -> None:
        if said := self._said.get(each.experiment.key):
            if each.state == QUEUED:
                each.state = RUNNING
                say(
                    _("{name}: runs on {host}").format(name=each.experiment.name, host=said["host"])
                )
            each.line = f"{said['host']}: {translated(said['line'])}"

    def _look_at_workers(self) -> None:
        """Now and then, tell of each new worker what is different there."""
        if time.monotonic() - self._looked < _WORKERS:
            return
        self._looked = time.monotonic()
        known = self._client.scheduler_info(n_workers=-1)["workers"]
        new = [address for address in known if address not in self._told]
        if not new:
            if not known and "" not in self._told:
                say(_("the scheduler has no workers yet: waiting for some"))
                self._told.add("")
            return
        for address, keys in self._client.run(work.kept, workers=new, on_error="ignore").items():
            for key in keys:
                self._kept.setdefault(key, []).append(address)
        for address, worker in self._client.run(work.about, workers=new, on_error="return").items():
            self._told.add(address)
            for line in differences(worker, self._here):
                say(_("worker {address}: {line}").format(address=address, line=line))


def differences(worker: object, here: dict[str, str]) -> list[str]:
    """What is to be told of a worker, of which this is its `about`, or its error."""
    if not isinstance(worker, dict):
        text = _("it runs nothing: it cannot import this project there ({error!r})")
        return [text.format(error=worker)]
    host, told = worker["host"], []
    if worker["trouble"]:
        trouble = retold(worker["trouble"], work.NO_CLONE)
        told.append(_("{host} runs nothing: {trouble}").format(host=host, trouble=trouble))
    if worker["code"] != here["code"]:
        told.append(
            _(
                "{host} has another version of this project's code: it runs nothing (`git pull` "
                "there, then restart it)"
            ).format(host=host)
        )
    if worker["mindspore"] != here["mindspore"]:
        told.append(
            _("{host} has MindSpore {theirs}, here {ours}: it runs nothing").format(
                host=host,
                theirs=translated(worker["mindspore"]),
                ours=translated(here["mindspore"]),
            )
        )
    elif worker["machine"] != here["machine"]:
        told.append(
            _(
                "{host} is another kind of machine, so its results may differ in their last bits: "
                "{theirs}; here {ours}"
            ).format(host=host, theirs=worker["machine"], ours=here["machine"])
        )
    return told


def _complain_without_remotes() -> None:
    if git("remote", "get-url", clones.REMOTE).returncode:
        raise UserError(
            _(
                "workers get the code from git's remote {remote}, and this clone has none: "
                "`git remote add {remote} URL`"
            ).format(remote=clones.REMOTE)
        )
    if not pipeline.read().has_remote:
        raise UserError(
            _(
                "workers get the data from DVC's remote, and this project has none: `dvc remote "
                "add -d NAME URL`, then commit .dvc/config"
            )
        )
