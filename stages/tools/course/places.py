"""Where a student's files are: in this project, or in a bundle."""

from pathlib import Path
from typing import Protocol

from stages.gan.common.language import _, translated
from stages.tools.bundle import check as bundle_check
from stages.tools.bundle.check import Checked


class Place(Protocol):
    """The files of one student."""

    # Whether every file of the student can be here. A bundle has only some.
    is_whole: bool

    def read(self, name: str) -> bytes | None:
        """A file by its path from the project's folder; None if there is none."""

    def trouble(self, stage: str) -> str:
        """What is wrong with the outs of a stage, such as train@mnist; "" if they are sound."""


class Project:
    """The project in the working directory."""

    is_whole = True

    def read(self, name: str) -> bytes | None:
        """A file by its path from the project's folder; None if there is none."""
        path = Path(name)
        return path.read_bytes() if path.is_file() else None

    def trouble(self, stage: str) -> str:
        """What is wrong with the outs of a stage: every byte is compared with dvc.lock."""
        # Imported late: DVC takes half a second, which most tasks do not need.
        from stages.tools.dvc import pipeline as locked
        from stages.tools.verify.damage import Kind, check

        pipeline = locked.read()
        stages = [each for each in pipeline.stages if each.name == stage]
        if not stages or any(out.md5 is None for out in stages[0].outs):
            return _("{stage} has not run: `dvc repro {stage}`.").format(stage=stage)
        found = check(pipeline, stages)
        damages = [damage for damage in found.damages if damage.kind is not Kind.OBJECT]
        if damages:
            return _("{path} is {damage}: `dvc repro {stage}`.").format(
                path=damages[0].path.as_posix(),
                damage=translated(damages[0].kind.value),
                stage=stage,
            )
        if found.changed or stages[0].changed:
            return _("Params or code changed since {stage} ran: `dvc repro {stage}`.").format(
                stage=stage
            )
        return ""


class Bundle:
    """A bundle of which every byte was found intact."""

    is_whole = False

    def __init__(self, checked: Checked) -> None:
        self.checked = checked

    def read(self, name: str) -> bytes | None:
        """A file by its path from the project's folder; None if the bundle has none."""
        if name not in self.checked.manifest.files:
            return None
        return bundle_check.read_file(self.checked, name)

    def trouble(self, stage: str) -> str:
        """Nothing: a bundle is packed only if its files fit dvc.lock."""
        return ""
