"""Check that MindSpore and NumPy work together, and compile the kernels if possible.

All modules that the pipeline uses are imported once. So Python keeps them compiled, also where it
is told not to write what it has compiled (PYTHONDONTWRITEBYTECODE, as in many containers): there
each process that imports MindSpore would compile its modules again.
"""

import pkgutil
from importlib import import_module

from stages.gan.common.errors import UserError
from stages.gan.common.language import _


def check() -> str:
    """Run one operation and return the versions.

    Raises
    ------
    UserError
        If NumPy or MindSpore is missing, or the versions do not work together.
    """
    try:
        import numpy
    except ImportError as error:
        raise UserError(
            _("NumPy cannot be imported ({error}): run `make setup`").format(error=error)
        ) from None
    if not numpy.__version__.startswith("1."):
        raise UserError(
            _(
                "NumPy {numpy} is installed, but MindSpore 2.10 works with NumPy 1 only: "
                "pip install 'numpy<2'"
            ).format(numpy=numpy.__version__)
        )
    try:
        import mindspore

        result = (mindspore.Tensor(numpy.ones(3, numpy.float32)) + 1).asnumpy()
    except (ImportError, RuntimeError, SystemError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(
            _(
                "MindSpore does not run with NumPy {numpy} ({reason}): remove .venv and "
                "run `make setup`"
            ).format(numpy=numpy.__version__, reason=reason)
        ) from None
    if result.tolist() != [2.0, 2.0, 2.0]:
        raise UserError(
            _("MindSpore says 1 + 1 is {result}: the installation is broken").format(
                result=result.tolist()
            )
        )
    return _("MindSpore {mindspore} with NumPy {numpy} works").format(
        mindspore=mindspore.__version__, numpy=numpy.__version__
    )


def import_all() -> None:
    """Import the stages with all that they may import later, and what `dvc repro` needs."""
    import stages
    from stages import gan

    own = [
        *pkgutil.walk_packages(gan.__path__, f"{gan.__name__}."),
        *pkgutil.iter_modules(stages.__path__, f"{stages.__name__}."),
    ]
    for module in own:
        if not module.name.endswith("__main__"):
            import_module(module.name)
    import_module("dvc.commands.repro")
    import_module("dvc.repo.reproduce")


if __name__ == "__main__":
    from stages.command import guarded, say

    def main() -> None:
        say(check())
        from stages.gan.networks import KINDS, remark

        for kind in KINDS:
            say(f"{kind}: {remark(kind)}")
        import_all()

    guarded(main)
