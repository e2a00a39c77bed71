"""MindIR files of small networks."""

from stages.gan.export import mindir_files
from stages.gan.export.plain import as_plain
from tests.helpers.training.network import as_if_trained, describe


def write(folder, kind, seed=0):
    description = describe(kind)
    generator, discriminator = as_plain(description, *as_if_trained(description, seed))
    files = folder / "generator.mindir", folder / "discriminator.mindir"
    mindir_files.write(files[0], generator, (description.latent_size,))
    mindir_files.write(files[1], discriminator, description.image_shape)
    return files
