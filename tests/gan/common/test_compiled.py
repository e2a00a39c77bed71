import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor, nn

from stages.gan.common.compiled import jit, overwrite, put


def network() -> nn.Cell:
    dense = nn.Dense(2, 1, has_bias=False)
    put(dense.weight, np.ones((1, 2), np.float32))
    return dense


X = Tensor(np.ones((1, 2), np.float32))


def test_mindspore_still_needs_the_guard():
    """Without it the compiled function goes on with the old weights."""
    dense = network()

    def answer(x):
        return dense(x)

    compiled = ms.jit(answer)
    assert compiled(X).asnumpy().item() == 2.0
    dense.weight.set_data(Tensor(np.zeros((1, 2), np.float32)))
    assert compiled(X).asnumpy().item() == 2.0


def test_values_put_in_before_the_first_call_are_used():
    dense = network()

    def answer(x):
        return dense(x)

    compiled = jit(answer, dense, None)
    put(dense.weight, np.full((1, 2), 3, np.float32))
    assert compiled(X).asnumpy().item() == 6.0


def test_after_the_first_call_they_are_refused_and_nothing_changes():
    dense = network()

    def answer(x):
        return dense(x)

    compiled = jit(answer, dense)
    compiled(X)
    with pytest.raises(RuntimeError, match=r"weight is held by a compiled function \(answer\)"):
        put(dense.weight, np.zeros((1, 2), np.float32))
    assert compiled(X).asnumpy().item() == 2.0
    put(dense.weight.clone(), np.zeros((1, 2), np.float32))  # another parameter


@pytest.mark.parametrize(
    "values", [np.zeros(3, np.float32), np.zeros((2, 1), np.float32), np.zeros((1, 2))]
)
def test_other_shapes_and_types_are_refused(values):
    dense = network()
    with pytest.raises(ValueError, match="weight: the values have shape"):
        put(dense.weight, values)
    assert dense.weight.asnumpy().tolist() == [[1.0, 1.0]]


def test_the_parameter_has_a_copy():
    dense, values = network(), np.zeros((1, 2), np.float32)
    put(dense.weight, values)
    values[:] = 5
    assert dense.weight.asnumpy().tolist() == [[0.0, 0.0]]


def test_a_compiled_function_refuses_another_mode():
    """MindSpore would go on in the mode of the first call: with dropout, or the batch's moments."""
    norm = nn.BatchNorm1d(2, momentum=0.5)

    def answer(x):
        return norm(x)

    compiled, rows = jit(answer, norm), Tensor(np.array([[1, 2], [3, 4]], np.float32))
    compiled(rows)
    norm.set_train()
    with pytest.raises(RuntimeError, match=r"compiled for training=\[False\]"):
        compiled(rows)
    norm.set_train(False)
    compiled(rows)
    assert norm.moving_mean.asnumpy().tolist() == [0, 0]


def test_a_compiled_function_sees_what_was_overwritten():
    dense = network()

    def answer(x):
        return dense(x)

    compiled = jit(answer, dense)
    values = np.full((1, 2), 3, np.float32)
    for factor in (1, 2):
        overwrite(dense.weight, values * factor)
        assert compiled(X).asnumpy().item() == 6.0 * factor
        assert dense(X).asnumpy().item() == 6.0 * factor
    with pytest.raises(ValueError, match="valid is"):
        overwrite(dense.weight, np.zeros(3, np.float32))
