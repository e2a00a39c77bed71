"""Compiled functions, and the only ways to put values into a parameter.

A function that MindSpore 2.10 has compiled keeps the memory that its parameters had at its first
call. `Parameter.set_data`, and all loading that uses it, gives a parameter other memory. Then the
function goes on with the old values, without an error: a loss stands still after a checkpoint is
loaded, or a network gives the old answers (see docs/mindspore.md). So functions are compiled by
`jit`, which remembers what it holds and for which mode, and `put` refuses parameters that are held.
Their values can only be overwritten where they lie.
"""

from collections.abc import Callable
from typing import Any

import mindspore as ms
from mindspore import Parameter, Tensor, nn, ops
from numpy.typing import NDArray

# The attribute of a parameter that names the compiled function which holds it.
_HOLDER = "held_by_compiled"


def jit(function: Callable[..., Any], *cells: nn.Cell | None) -> Callable[..., Any]:
    """Compile a function; from its first call on it holds the parameters of these cells.

    It is compiled for the mode (training or evaluation) that each cell has at the first call, and
    MindSpore does not see a later change. Then a call raises RuntimeError.

    Parameters
    ----------
    function : callable
    cells : nn.Cell or None
        All networks, optimizers and averages that the function uses; None is left out.
    """
    compiled = ms.jit(function)
    used = [cell for cell in cells if cell is not None]
    modes: list[bool] = []

    def call(*given: Any, **named: Any) -> Any:
        now = [cell.training for cell in used]
        if not modes:
            modes.extend(now)
            for cell in used:
                for parameter in cell.get_parameters():
                    setattr(parameter, _HOLDER, function.__name__)
        elif now != modes:
            raise RuntimeError(
                f"{function.__name__} was compiled for training={modes} of its cells, and they "
                f"have {now} now, which it would ignore: compile another function"
            )
        return compiled(*given, **named)

    return call


def put(parameter: Parameter, values: NDArray[Any]) -> None:
    """Put a copy of these values into a parameter that no compiled function holds yet.

    Raises
    ------
    RuntimeError
        If a compiled function has been called that holds the parameter.
    ValueError
        If shape or type are not those of the parameter: MindSpore would take over another shape,
        and convert another type.
    """
    holder = getattr(parameter, _HOLDER, None)
    if holder is not None:
        raise RuntimeError(
            f"{parameter.name} is held by a compiled function ({holder}), which would go on with "
            "the old values: put values in before its first call, or build the network again"
        )
    parameter.set_data(_fitting(parameter, values))


def overwrite(parameter: Parameter, values: NDArray[Any]) -> None:
    """Write a copy of these values into a parameter's own memory; compiled functions see them.

    Its memory must be its own: `load_param_into_net` and `set_data` with another parameter's
    values share it.

    Raises
    ------
    ValueError
        If shape or type are not those of the parameter.
    """
    ops.assign(parameter, _fitting(parameter, values))


def _fitting(parameter: Parameter, values: NDArray[Any]) -> Tensor:
    tensor = Tensor(values)
    if values.shape != parameter.shape or tensor.dtype != parameter.dtype:
        raise ValueError(
            f"{parameter.name}: the values have shape {values.shape} and type {values.dtype}, "
            f"valid is {parameter.shape} and {str(parameter.dtype).lower()}"
        )
    return tensor
