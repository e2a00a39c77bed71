import numpy as np
import pytest
from mindspore import Tensor

from stages.gan import losses, networks
from stages.gan.training import optimizers
from stages.gan.training.step.discriminator import Options, discriminator_update
from stages.gan.training.step.penalties import listed
from tests.helpers.training.network import describe
from tests.helpers.training.steps import batch


def moved(options, share=None):
    """D's weights after one update by gradient descent on images of two batches."""
    description = describe("mlp", discriminator_batch_norm=False)
    _, discriminator = networks.build(description, 3)
    mover = optimizers.build("sgd", discriminator, "discriminator", 0.01)
    update = discriminator_update(discriminator, losses.build("rpgan"), mover, options)
    draw = np.random.default_rng(1)
    moves = tuple(
        Tensor(np.float32(0.01) * draw.standard_normal((8, 1, 8, 8), dtype=np.float32))
        for _ in range(2)
    )
    update(batch(0)[0], batch(1)[0], None, None, moves, share)
    return np.concatenate([w.asnumpy().ravel() for w in discriminator.trainable_params()])


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_a_share_of_the_penalties_is_a_share_of_gamma(share):
    both = listed(40.0, 80.0, sigma=0.01)
    found = moved(Options(penalties=both, shared=True), Tensor(np.array(share, np.float32)))
    less = listed(share * 40.0, share * 80.0, sigma=0.01)
    np.testing.assert_allclose(found, moved(Options(penalties=less)), atol=1e-6)
    assert np.abs(moved(Options()) - moved(Options(penalties=both))).max() > 1e-3
