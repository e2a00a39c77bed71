"""Check that MindSpore and NumPy work together, and compile the kernels if possible."""

from stages.gan.common.errors import UserError


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
        raise UserError(f"NumPy cannot be imported ({error}): run `make setup`") from None
    if not numpy.__version__.startswith("1."):
        raise UserError(
            f"NumPy {numpy.__version__} is installed, but MindSpore 2.10 works with NumPy 1 only: "
            "pip install 'numpy<2'"
        )
    try:
        import mindspore

        result = (mindspore.Tensor(numpy.ones(3, numpy.float32)) + 1).asnumpy()
    except (ImportError, RuntimeError, SystemError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(
            f"MindSpore does not run with NumPy {numpy.__version__} ({reason}): "
            "remove .venv and run `make setup`"
        ) from None
    if result.tolist() != [2.0, 2.0, 2.0]:
        raise UserError(f"MindSpore says 1 + 1 is {result.tolist()}: the installation is broken")
    return f"MindSpore {mindspore.__version__} with NumPy {numpy.__version__} works"


if __name__ == "__main__":
    from stages.command import guarded, say

    def main() -> None:
        say(check())
        from stages.gan.networks import KINDS, remark

        for kind in KINDS:
            say(f"{kind}: {remark(kind)}")

    guarded(main)
