"""Runs git, and says why git does not work where it does not."""

import subprocess

from stages.gan.common.errors import UserError
from stages.gan.common.language import _, marked, translated

_NOT_FOUND = marked("git was not found")


def git(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Run git in this folder; without git, as if git had said so."""
    command = ["git", *arguments]
    try:
        return subprocess.run(command, capture_output=True, check=False)
    except FileNotFoundError:
        return subprocess.CompletedProcess(command, 127, b"", _NOT_FOUND.encode())


def refusal() -> str:
    """Why git does not work in this folder, in one line; "" if it does.

    There may be no repository, or it belongs to another user: then git names its setting
    `safe.directory`.
    """
    ended = git("rev-parse", "--git-dir")
    if ended.returncode == 0:
        return ""
    lines = [line.strip() for line in ended.stderr.decode(errors="replace").splitlines()]
    first, *rest = [line for line in lines if line] or [
        _("git ended with {code}").format(code=ended.returncode)
    ]
    return ": ".join(
        [translated(first.removeprefix("fatal: ")), *([" ".join(rest)] if rest else [])]
    )


def complain_if_refused() -> None:
    """Raise UserError with git's own reason if git does not work in this folder."""
    if reason := refusal():
        raise UserError(_("git cannot be used here: {reason}").format(reason=reason))
