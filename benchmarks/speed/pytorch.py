"""PyTorch's step: as people write it, and with all that is known to make it faster."""

import itertools
from types import SimpleNamespace

from benchmarks.speed.problems import batches

# The kinds of network that are written in PyTorch here, too.
KINDS = ("mlp", "dcgan", "mixed")


def networks(problem, logits: bool, inplace: bool):
    """The same generator and discriminator; the second ends in a sigmoid unless `logits`."""
    from torch import nn

    g, d = {"mlp": _dense, "dcgan": _convolutional, "mixed": _mixed}[problem.kind](problem, inplace)
    if not logits:
        d.append(nn.Sigmoid())
    g, d = nn.Sequential(*g), nn.Sequential(*d)
    if problem.kind == "dcgan":
        for module in (*g, *d):
            if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
                nn.init.normal_(module.weight, 0.0, 0.02)
            elif isinstance(module, nn.BatchNorm2d):
                nn.init.normal_(module.weight, 1.0, 0.02)
    return g, d


def _dense(problem, inplace: bool):
    from torch import nn

    channels, side, _ = problem.image_shape
    widths = problem.generator_widths
    pixels = channels * side * side
    g = [nn.Linear(problem.latent_size, widths[0]), nn.ReLU(inplace)]
    for inputs, outputs in itertools.pairwise(widths):
        g += [nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs), nn.ReLU(inplace)]
    g += [nn.Linear(widths[-1], pixels), nn.Tanh()]
    g.append(nn.Unflatten(1, problem.image_shape))
    d = [nn.Flatten()]
    inputs = pixels
    for outputs in problem.discriminator_widths:
        d += [nn.Linear(inputs, outputs), nn.LeakyReLU(problem.discriminator_slope, inplace)]
        inputs = outputs
    d.append(nn.Linear(inputs, 1))
    return g, d


def _convolutional(problem, inplace: bool):
    from torch import nn

    g = _drawing(problem, problem.latent_size, problem.generator_widths, inplace)
    widths = problem.discriminator_widths
    last = problem.image_shape[1] // 2 ** len(widths)
    d = _looking(problem, widths, inplace)
    return g, [*d, nn.Conv2d(widths[-1], 1, last, bias=False), nn.Flatten()]


def _mixed(problem, inplace: bool):
    from torch import nn

    dense, *maps = problem.generator_widths
    g = [nn.Linear(problem.latent_size, dense), nn.BatchNorm1d(dense), nn.ReLU(inplace)]
    g += _drawing(problem, dense, maps, inplace)
    *maps, dense = problem.discriminator_widths
    side = problem.image_shape[1] // 2 ** len(maps)
    d = _looking(problem, maps, inplace)
    d += [nn.Flatten(), nn.Linear(side * side * maps[-1], dense), nn.BatchNorm1d(dense)]
    d += [nn.LeakyReLU(problem.discriminator_slope, inplace), nn.Linear(dense, 1)]
    return g, d


def _drawing(problem, size: int, widths, inplace: bool):
    """From `size` numbers to an image, by transposed convolutions."""
    from torch import nn

    channels, side, _ = problem.image_shape
    row = [nn.Unflatten(1, (size, 1, 1))]
    row.append(nn.ConvTranspose2d(size, widths[0], side // 2 ** len(widths), bias=False))
    for inputs, outputs in zip(widths, [*widths[1:], channels], strict=True):
        row += [nn.BatchNorm2d(inputs), nn.ReLU(inplace)]
        row.append(nn.ConvTranspose2d(inputs, outputs, 4, 2, 1, bias=False))
    return [*row, nn.Tanh()]


def _looking(problem, widths, inplace: bool):
    """From an image to maps, by convolutions; the first is not normalised."""
    from torch import nn

    row = []
    inputs = problem.image_shape[0]
    for index, outputs in enumerate(widths):
        row.append(nn.Conv2d(inputs, outputs, 4, 2, 1, bias=False))
        if index:
            row.append(nn.BatchNorm2d(outputs))
        row.append(nn.LeakyReLU(problem.discriminator_slope, inplace))
        inputs = outputs
    return row


def make(problem: SimpleNamespace, batch: int, best: bool = False, compiled: bool = False):
    """A function that runs step number `index` and returns both losses.

    `best` shares the fake images, leaves out the discriminator's weight gradients in the
    generator's update, fuses Adam and works on logits; the MLP's discriminator sees real and
    fake images as one batch, the DCGAN is kept channels last. `compiled` adds torch.compile.
    """
    import torch

    torch.manual_seed(1)
    generator, discriminator = networks(problem, logits=best, inplace=best)
    images, codes = (torch.from_numpy(array) for array in batches(problem, batch))
    if best and problem.kind == "dcgan":
        generator, discriminator = channels_last(generator), channels_last(discriminator)
        images = [one.contiguous(memory_format=torch.channels_last) for one in images]
    if compiled:
        generator, discriminator = torch.compile(generator), torch.compile(discriminator)
    play = step_of(problem, generator, discriminator, batch, best, logits=best)

    def one(index: int) -> tuple[float, float]:
        at = index % len(images)
        return play(images[at], codes[at])

    return one


def channels_last(network):
    """The same network, its convolutions' layout what PyTorch is fastest in."""
    import torch

    return network.to(memory_format=torch.channels_last)


def step_of(
    problem: SimpleNamespace, generator, discriminator, batch: int, best: bool, logits: bool
):
    """A function of real images and latent codes that does one step and returns both losses.

    See `make`; `logits` says whether the discriminator gives these, or probabilities. A problem may
    have a `discriminator_learning_rate` of its own.
    """
    import torch
    from torch import nn

    joined = best and problem.kind == "mlp"
    weights = list(discriminator.parameters())
    options = {"lr": problem.learning_rate, "betas": (problem.beta1, problem.beta2)}
    if best:
        options["fused"] = True
    rate = getattr(problem, "discriminator_learning_rate", None) or problem.learning_rate
    d_optimizer = torch.optim.Adam(weights, **{**options, "lr": rate})
    g_optimizer = torch.optim.Adam(generator.parameters(), **options)
    loss = nn.BCEWithLogitsLoss() if logits else nn.BCELoss()
    ones, zeros = torch.ones(batch, 1), torch.zeros(batch, 1)
    both = torch.cat((ones, zeros))

    def play(real, codes) -> tuple[float, float]:
        fake = generator(codes)
        d_optimizer.zero_grad()
        if joined:
            d_value = 2 * loss(discriminator(torch.cat((real, fake.detach()))), both)
        else:
            d_value = loss(discriminator(real), ones) + loss(discriminator(fake.detach()), zeros)
        d_value.backward()
        d_optimizer.step()
        if best:
            for weight in weights:
                weight.requires_grad_(False)
        g_optimizer.zero_grad()
        g_value = loss(discriminator(fake), ones)
        g_value.backward()
        g_optimizer.step()
        if best:
            for weight in weights:
                weight.requires_grad_(True)
        return d_value.item(), g_value.item()

    return play
