"""The recipe `lecture` is what the lecture has, whatever the shipped params are."""

import pytest
import yaml

from stages.gan import params
from stages.tools.recipe import recipes
from tests.helpers.data import SHIPPED, shipped


@pytest.fixture
def lecture(tmp_path):
    """One data set's params with the recipe."""
    recipe = recipes.load(recipes.LECTURE, SHIPPED.parent / recipes.FOLDER)
    file = tmp_path / "params.yaml"
    file.write_text(yaml.safe_dump(recipe.applied(shipped())))
    return lambda dataset: params.load(file, dataset)


def test_its_networks_on_digits(lecture):
    of_digits = lecture("mnist")
    generator, discriminator = of_digits.train.generator, of_digits.train.discriminator
    assert of_digits.kind.network == "mlp"
    assert generator.widths == [128, 256, 512, 1024]
    assert (generator.activation, generator.batch_norm) == ("relu", True)
    assert discriminator.widths == [512, 256]
    assert (discriminator.activation, discriminator.leaky_slope) == ("leaky_relu", 0.2)
    assert (discriminator.batch_norm, discriminator.spectral_norm) == (False, False)


def test_its_networks_on_faces(lecture):
    of_faces = lecture("faces")
    generator, discriminator = of_faces.train.generator, of_faces.train.discriminator
    assert of_faces.kind.network == "dcgan"
    assert generator.widths == [512, 256, 128, 64]
    assert (generator.activation, generator.batch_norm) == ("relu", True)
    assert discriminator.widths == [64, 128, 256, 512]
    assert (discriminator.activation, discriminator.leaky_slope) == ("leaky_relu", 0.2)
    assert (discriminator.batch_norm, discriminator.spectral_norm) == (True, False)


@pytest.mark.parametrize(("dataset", "size", "channels"), [("mnist", 28, 1), ("faces", 64, 3)])
def test_its_images_and_latent_codes(lecture, dataset, size, channels):
    prepared = lecture(dataset).preprocess
    assert (prepared.image_size, prepared.channels, prepared.latent_size) == (size, channels, 100)


@pytest.mark.parametrize(("dataset", "batch"), [("mnist", 128), ("faces", 64)])
def test_its_training(lecture, dataset, batch):
    train = lecture(dataset).train
    assert (train.epochs, train.batch_size, train.latents) == (200, batch, "attached")
    assert (train.optimizer, train.learning_rate) == ("adam", 2e-4)
    assert (train.beta1, train.beta2) == (0.5, 0.999)
    assert (train.discriminator_learning_rate, train.discriminator_steps) == (None, 1)
    assert (train.loss, train.loss_options.reduction) == ("bce", "mean")
    assert train.grid_seed == 2323


@pytest.mark.parametrize("dataset", ["mnist", "faces"])
def test_it_has_none_of_what_came_later(lecture, dataset):
    train = lecture(dataset).train
    assert (train.ema, train.augmentation, train.r1, train.instance_noise) == (0.0, [], 0.0, 0.0)
    assert (train.schedule.kind, train.schedule.warm_up_steps) == ("constant", 0)
    assert (train.loss_options.label_smoothing, train.loss_options.pos_weight) == (0.0, 1.0)
