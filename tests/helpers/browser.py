"""A real browser, and small pages of networks for it.

Playwright (the extra `browser`) drives the Chromium of the system. Where one of both is missing,
tests that ask for `browser` (a fixture of conftest.py) are skipped and say why.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stages.gan.evaluation.judge import classifier
from stages.gan.export import onnx_files
from stages.gan.export.plain import as_plain
from stages.gan.pages.play import contents, page_of, pictures
from stages.gan.trained.grids import grid
from tests.helpers.training.network import as_if_trained, describe

_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
HELD_OUT = 40
EPOCHS = 3
_SCORES = {
    "samples": 40,
    "accuracy": 0.65,
    "bce": {"discriminator": {"value": 1.2}},
    "critic": {"accuracy": {"value": 0.8}, "bce": {"value": 0.9}},
    "training_loss": {
        "name": "bce",
        "equilibrium_point": {"probability": 0.5, "lowest_logit": 0.0, "highest_logit": 0.0},
        "discriminator": {"equilibrium": 2 * np.log(2)},
        "generator": {"equilibrium": np.log(2)},
    },
}


@contextmanager
def launched() -> Iterator[Any]:
    """Chromium, as Playwright's Browser; it ends with the block."""
    sync_api = pytest.importorskip(
        "playwright.sync_api", reason="needs Playwright: pip install -e '.[browser]'"
    )
    program = next(filter(None, map(shutil.which, _NAMES)), None)
    if program is None:
        pytest.skip(f"needs Chromium: there is none of {', '.join(_NAMES)}")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--disable-gpu"])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened(
    browser: Any, file: Path, state: str = "", width: int = 1280, dark: bool = False, **options: Any
) -> Iterator[Any]:
    """A page that is opened from a file, as by double click: Playwright's Page.

    In the block `page.evaluate` reaches the page's names, such as `engine`. At its end no script
    may have failed, no message of an error may stand on the page's console, and nothing may have
    been asked of a network.

    Parameters
    ----------
    browser
        The fixture.
    file : Path
    state : str
        What stands after the # of the address.
    width : int
        Of the window, in pixels.
    dark : bool
        Whether the system asks for dark colours.
    """
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if dark else "light",
        **options,
    )
    page = context.new_page()
    page.set_default_timeout(20_000)
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
    page.on("console", lambda line: line.type == "error" and wrong.append(line.text))
    page.on(
        "request",
        lambda request: (
            request.url.startswith(("file:", "data:", "blob:"))
            or wrong.append(f"it asked for {request.url}")
        ),
    )
    try:
        page.goto(file.resolve().as_uri() + (f"#{state}" if state else ""))
        yield page
    finally:
        context.close()
    assert not wrong, wrong


@dataclass(frozen=True)
class Made:
    """A small page.

    `file` is the page, `generator` and `discriminator` are the exported networks in it. `judge` is
    the network behind its judge, None if the page has none; `data` is what its scripts see.
    """

    file: Path
    generator: Path
    discriminator: Path
    judge: classifier.Classifier | None
    data: dict[str, Any]


def make_page(folder: Path, kind: str = "mlp", judged: bool = True, **changes: Any) -> Made:
    """A play page of networks as if trained, in a moment and without a pipeline.

    Parameters
    ----------
    folder : Path
        For the page and the networks.
    kind : str
        mlp | dcgan.
    judged : bool
        Whether it has a judge (of 10 classes, with random weights).
    changes
        To the small description of `helpers.training.network`, such as image_shape.
    """
    description = describe(kind, **changes)
    generator, discriminator = as_plain(description, *as_if_trained(description))
    folder.mkdir(parents=True, exist_ok=True)
    files = folder / "generator.onnx", folder / "discriminator.onnx"
    shape, size = description.image_shape, description.latent_size
    onnx_files.write(files[0], generator, "", ("latent_code", (size,)), {"image": shape})
    given = {"logit": (1,), "probability": (1,)}
    onnx_files.write(files[1], discriminator, "", ("image", shape), given)
    draw = np.random.default_rng(1)
    codes = draw.standard_normal((8, size)).astype(np.float32)
    held_out = np.clip(draw.normal(0, 0.5, (HELD_OUT, *shape)), -1, 1).astype(np.float32)
    network = known = None
    if judged:
        network = classifier.build(shape, [4, 6], 8, 10)
        network.set_train(False)
        names = [str(number) for number in range(10)]
        known = contents.Judge(network, names, classifier.Look(network)(held_out)[1])
    drawn = folder / "epochs"
    drawn.mkdir()
    for epoch in range(1, EPOCHS + 1):
        grid(np.clip(draw.normal(0, 0.5, (25, *shape)), -1, 1)).save(drawn / f"{epoch}.png")
    data = {
        **contents.of_run("A small page", "small", shape, size, _SCORES),
        "networks": contents.networks(*files, codes, held_out, known),
        "classes": known and known.classes,
        "directions": contents.ways(files[0], codes),
        "held_out": pictures.sheet(held_out),
        "epochs": pictures.epochs(drawn),
    }
    page = folder / "play.html"
    page.write_text(page_of(data), encoding="utf-8")
    return Made(page, *files, network, data)
