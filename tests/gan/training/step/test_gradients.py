import mindspore as ms
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mindspore import Tensor, ops

from stages.gan import networks
from stages.gan.training.step import Options, make_discriminator_step
from stages.gan.training.step.gradients import DUE, KERNELS, NOT_DUE, GradientNorm
from tests.helpers.training.kernel import call, compiled, every_form, needs_kernels, pure
from tests.helpers.training.steps import batch, make, plain_run, ready, state


def length(arrays) -> float:
    return float(np.sqrt(sum((a.astype(np.float64) ** 2).sum() for a in arrays)))


@needs_kernels
@settings(max_examples=40)
@given(
    st.lists(st.integers(1, 70), min_size=1, max_size=5),
    st.floats(1e-12, 1e12),
    st.integers(0, 2**31),
)
def test_the_kernel_adds_up_all_arrays_of_any_length(sizes, scale, seed):
    draw = np.random.default_rng(seed)
    arrays = [(draw.standard_normal(size) * scale).astype(np.float32) for size in sizes]
    (found,) = call(KERNELS, "norm", [np.ones(1, np.float32), *arrays], (1,))
    assert found[0] == pytest.approx(length(arrays), rel=1e-6)


@needs_kernels
def test_the_kernel_reads_arrays_of_any_shape_and_nothing_that_is_not_due():
    arrays = [np.ones((3, 5, 7), np.float32), np.full(1, 2.0, np.float32)]
    assert call(KERNELS, "norm", [np.ones(1, np.float32), *arrays], (1,))[0][0] == np.float32(
        np.sqrt(109)
    )
    assert np.isnan(call(KERNELS, "norm", [np.zeros(1, np.float32), *arrays], (1,))[0][0])


@every_form
def test_exactly_zero_and_not_finite_are_told(form):
    with form():
        norm = GradientNorm()
    for values, expected in (([0.0, 0.0], 0.0), ([np.inf, 1.0], np.inf), ([np.nan, 1.0], np.nan)):
        gradients = (Tensor(np.array(values, np.float32)), Tensor(np.zeros((2, 2), np.float32)))
        found = norm(gradients, DUE).asnumpy()
        assert found.shape == (1,)
        np.testing.assert_equal(found[0], np.float32(expected))
    tiny = (Tensor(np.full(4, 1e-25, np.float32)),)
    assert norm(tiny, DUE).asnumpy()[0] == pytest.approx(2e-25, rel=1e-5)


@pytest.mark.parametrize(
    ("kind", "form"),
    [
        ("mlp", pure),
        pytest.param("mlp", compiled, marks=needs_kernels),
        pytest.param("dcgan", compiled, marks=needs_kernels),
        pytest.param("dcgan", pure, marks=pytest.mark.slow),
    ],
)
def test_a_watched_step_gives_the_lengths_and_changes_no_bit(kind, form):
    plain, left = plain_run(kind, form)
    pair, movers, _, step = ready(kind, options=Options(watched=True), form=form)
    for index, expected in enumerate(plain):
        due = DUE if index % 2 else NOT_DUE
        found = [v.asnumpy() for v in step(*batch(index), due=due)]
        assert found[:4] == expected
        lengths = [v[0] for v in found[4:]]
        if due is DUE:
            assert np.isfinite(lengths).all()
            assert len(lengths) == 2
        else:
            assert np.isnan(lengths).all()
    right = state(pair, movers)
    assert all((left[name] == right[name]).all() for name in left)


@pytest.mark.parametrize("kind", networks.KINDS)
def test_the_lengths_are_those_of_both_updates(kind):
    other = make(kind)
    real, z = batch(0)
    *_, step = ready(kind, options=Options(watched=True))
    found = step(real, z, due=DUE)
    generator, discriminator = other[0]
    loss = other[2]
    fake = ops.stop_gradient(generator(z))

    def d_loss():
        return loss.real(discriminator(real)) + loss.fake(discriminator(fake))

    def g_loss():
        return loss.generator(discriminator(generator(z)))

    d_gradients = ms.grad(d_loss, None, other[1][1].parameters)()
    assert found[4].asnumpy()[0] == pytest.approx(
        length([g.asnumpy() for g in d_gradients]), rel=1e-4
    )
    other[1][1](d_gradients)
    g_gradients = ms.grad(g_loss, None, other[1][0].parameters)()
    assert found[5].asnumpy()[0] == pytest.approx(
        length([g.asnumpy() for g in g_gradients]), rel=1e-3
    )


def test_the_updates_of_the_discriminator_alone_are_not_watched():
    pair, movers, loss = make("mlp")
    step = make_discriminator_step(*pair, loss, movers[1], Options(watched=True))
    assert step(*batch(0)).shape == ()
