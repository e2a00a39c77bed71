"""Damaged arrays, checkpoints and metrics, where train, evaluate, report and the rest read them."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

from stages.gan.common.files import sha256
from tests.faults.groups.archives import garbled
from tests.faults.groups.pictures import change
from tests.faults.trial import (
    EITHER,
    ERROR,
    SUCCESS,
    Fault,
    References,
    Trial,
    copy_tree,
    give,
    outs,
    stage_trial,
)
from tests.faults.world import World
from tests.helpers.data import encoded, picture

GROUP = "arrays and models"
PREPARED = "data/mnist/prepared"
FINAL = "models/mnist/checkpoints/final"


def array(name: str, make: Callable[[np.ndarray], np.ndarray], world: World) -> None:
    """Replace a prepared array."""
    file = world.project / PREPARED / f"{name}.npy"
    np.save(file, make(np.load(file)), allow_pickle=True)


def with_value(value: float) -> Callable[[np.ndarray], np.ndarray]:
    """One entry set."""

    def make(values: np.ndarray) -> np.ndarray:
        values.reshape(-1)[values.size // 2] = value
        return values

    return make


def in_json(path: str, make: Callable[[Any], Any], world: World) -> None:
    """Change the content of a JSON file."""
    file = world.project / path
    content = make(json.loads(file.read_text(encoding="utf-8")))
    file.write_text(json.dumps(content), encoding="utf-8")


def without(*keys: str) -> Callable[[dict], dict]:
    """A mapping without some keys."""
    return lambda content: {k: v for k, v in content.items() if k not in keys}


def weights(part: str, make: Callable[[dict], dict], world: World) -> None:
    """Change weights, and the hash beside them so that they pass for sound."""
    file = world.project / FINAL / f"{part}.safetensors"
    save_file(make(load_file(file)), file)

    def resealed(about: dict) -> dict:
        about["sha256"][file.name] = sha256(file)
        return about

    in_json(f"{FINAL}/checkpoint.json", resealed, world)


def all_nan(state: dict) -> dict:
    """Weights that diverged."""
    return {name: np.full_like(values, np.nan) for name, values in state.items()}


def faults() -> list[Fault]:
    """All faults of this kind."""
    found = []

    def add(name, stage, spoil, may=ERROR, full=True, **options) -> None:
        trial = stage_trial("mnist", stage, spoil, may=may, **options)
        found.append(Fault(GROUP, f"{stage}: {name}", trial, full, not full))

    nan, infinite = with_value(np.nan), with_value(np.inf)
    arrays: list[tuple[str, str, Callable, bool]] = [
        ("NaN in latents", "train_latents", nan, False),
        ("infinity in latents", "train_latents", infinite, True),
        ("NaN in images", "train_images", nan, True),
        ("infinity in images", "train_images", infinite, True),
        ("300 in images", "train_images", with_value(300), True),
        ("no images", "train_images", lambda a: a[:0], True),
        ("fewer latents", "train_latents", lambda a: a[:-1], True),
        ("latents without dimensions", "train_latents", lambda a: a.reshape(-1), True),
        ("images without channels", "train_images", lambda a: a[:, 0], True),
        ("pickled images", "train_images", lambda a: np.array([{"a": 1}] * len(a)), True),
        ("latents as texts", "train_latents", lambda a: a.astype("U"), True),
        ("complex latents", "train_latents", lambda a: a.astype(np.complex64), True),
        ("images as dates", "train_images", lambda a: a.astype("M8[s]"), True),
        ("fewer labels", "train_labels", lambda a: a[:-1], True),
    ]
    for name, part, make, full in arrays:
        add(name, "train", partial(array, part, make), ERROR, full)
    images = f"{PREPARED}/train_images.npy"
    add("images cut", "train", partial(change, images, lambda c: c[: len(c) // 2]))
    add("images empty", "train", partial(change, images, lambda c: b""))
    add("images' header garbled", "train",
        partial(change, images, lambda c: c[:20] + b"\xff" * 20 + c[40:]))  # fmt: skip
    add("images that claim 2^40", "train", partial(
        change, images, lambda c: c.replace(b"(64, ", b"(1099511627776, ")[:-12]))  # fmt: skip
    add("HTML for images", "train", partial(change, images, lambda c: b"<html></html>"))
    add("Fortran's order", "train", partial(array, "train_images", np.asfortranarray), SUCCESS)
    add("test images NaN", "evaluate", partial(array, "test_images", nan))
    add("fewer test images", "evaluate", partial(array, "test_images", lambda a: a[:-1]))
    about = f"{PREPARED}/prepared.json"
    for name, make in {
        "without its source": without("source"),
        "without counts": without("counts"),
        "a list": lambda content: [1],
        "empty": lambda content: {},
    }.items():
        add(f"prepared.json {name}", "train", partial(in_json, about, make), EITHER,
            accepted=lambda world: "")  # fmt: skip

    checkpoint = f"{FINAL}/checkpoint.json"
    models: list[tuple[str, Callable[[World], None], bool]] = [
        ("generator cut", partial(change, f"{FINAL}/generator.safetensors", lambda c: c[:-9]),
         False),
        ("generator empty", partial(change, f"{FINAL}/generator.safetensors", lambda c: b""), True),
        ("checkpoint.json cut", partial(change, checkpoint, lambda c: c[: len(c) // 2]), True),
        ("checkpoint.json without networks", partial(in_json, checkpoint, without("networks")),
         True),
        ("checkpoint.json without hashes", partial(in_json, checkpoint, without("sha256")), True),
        ("checkpoint.json with other widths", partial(change, checkpoint, lambda c: c.replace(
            b"24", b"25")), True),
        ("checkpoint.json with a path for a name", partial(in_json, checkpoint, lambda c: {
            **c, "sha256": {"../../../params.yaml": "0" * 64}}), True),
        ("checkpoint.json whose networks are a text", partial(in_json, checkpoint, lambda c: {
            **c, "networks": "x"}), True),
        ("checkpoint.json of 2^60 latents", partial(in_json, checkpoint, lambda c: {
            **c, "networks": {**c["networks"], "latent_size": 2**60}}), True),
        ("checkpoint.json nested deeply", partial(change, checkpoint, lambda c: b"[" * 10**5),
         True),
        ("weights NaN", partial(weights, "generator", all_nan), True),
        ("a weight missing", partial(weights, "generator", lambda s: dict(list(s.items())[1:])),
         True),
        ("a weight of another shape", partial(weights, "discriminator", lambda s: {
            n: v[..., :1].copy() for n, v in s.items()}), True),
        ("a weight as float64", partial(weights, "generator", lambda s: {
            n: v.astype(np.float64) for n, v in s.items()}), True),
        ("weights as whole numbers", partial(weights, "generator", lambda s: {
            n: v.astype(np.int32) for n, v in s.items()}), True),
    ]  # fmt: skip
    for name, spoil, full in models:
        may = EITHER if "float64" in name else ERROR
        add(name, "evaluate", spoil, may, full, accepted=lambda world: "")
    for name, spoil, _ in models:
        if name.startswith(("generator", "checkpoint.json with", "weights NaN")):
            found.append(going_on(name, spoil))
    tables: list[tuple[str, str, Callable[[bytes], bytes]]] = [
        ("history.csv empty", "metrics/mnist/history.csv", lambda c: b""),
        ("history.csv without rows", "metrics/mnist/history.csv", lambda c: c.split(b"\n")[0]),
        ("history.csv with texts", "metrics/mnist/history.csv", lambda c: c.replace(b"0.", b"x.")),
        ("history.csv with other columns", "metrics/mnist/history.csv",
         lambda c: c.replace(b"discriminator_loss", b"loss")),
        ("history.csv with short rows", "metrics/mnist/history.csv",
         lambda c: b"\n".join(line.rpartition(b",")[0] if n else line
                              for n, line in enumerate(c.splitlines()))),
        ("history.csv binary", "metrics/mnist/history.csv", lambda c: bytes(range(256))),
        ("history_steps.csv cut", "metrics/mnist/history_steps.csv", lambda c: c[: len(c) // 2]),
        ("scores.json empty", "metrics/mnist/scores.json", lambda c: b"{}"),
        ("scores.json cut", "metrics/mnist/scores.json", lambda c: c[:50]),
        ("train.json empty", "metrics/mnist/train.json", lambda c: b"{}"),
        ("verdict.json empty", "reports/mnist/training/verdict.json", lambda c: b"{}"),
        ("prepared.json empty", about, lambda c: b"{}"),
        ("source.json empty", "data/mnist/raw/source.json", lambda c: b"{}"),
    ]  # fmt: skip
    for number, (name, path, make) in enumerate(tables):
        may = EITHER if ".csv" in name else ERROR
        add(name, "report", partial(change, path, make), may, number != 7,
            accepted=lambda world: "")  # fmt: skip
    return found + uses()


def going_on(name: str, spoil: Callable[[World], None]) -> Fault:
    """Training that goes on from a damaged checkpoint."""

    base = stage_trial("mnist", "train", lambda world: None)

    def made(references: References, world: World) -> None:
        base.prepare(references, world)
        # The outs are replaced while it is read, so it lies elsewhere in the project.
        give(references.upto("mnist", "train"), world.project / "kept", (FINAL,))
        world.params(mnist__train__init_from=f"kept/{FINAL}")

    def spoiled(world: World) -> None:
        inner = World(world.folder / "inner", world.draw, world.shared)
        inner.project.rmdir()
        inner.project.symlink_to(world.project / "kept")
        spoil(inner)

    trial = Trial(base.command, base.outs, made, spoiled, "mnist-train-going-on", seconds=200)
    return Fault(GROUP, f"train: going on, {name}", trial, True)


def uses() -> list[Fault]:
    """Drawing and judging with a trained model."""
    found = []

    def use(name, command, spoil, made=("drawn.npy",)) -> None:
        def prepare(references: References, world: World) -> None:
            copy_tree(references.template, world.project)
            give(references.upto("mnist", "train"), world.project, outs("train", "mnist"))
            codes = np.random.default_rng(0).standard_normal((3, 100), dtype=np.float32)
            np.save(world.project / "codes.npy", codes)
            (world.project / "one.png").write_bytes(encoded(picture(mode="L", size=(28, 28))))

        trial = Trial(tuple(command), made, prepare, spoil, " ".join(command), seconds=200)
        found.append(Fault(GROUP, f"{command[2].partition('.')[2]}: {name}", trial, True))

    def codes(make: Callable[[bytes], bytes]) -> Callable[[World], None]:
        return partial(change, "codes.npy", make)

    def saved(make: Callable[[np.ndarray], np.ndarray]) -> Callable[[World], None]:
        def spoil(world: World) -> None:
            file = world.project / "codes.npy"
            np.save(file, make(np.load(file)), allow_pickle=True)

        return spoil

    draw = ["python", "-m", "stages", "generate", "mnist"]
    by_codes = [*draw, "--codes", "codes.npy", "--output", "drawn.npy"]
    use("codes with NaN", by_codes, saved(with_value(np.nan)))
    use("codes of another size", by_codes, saved(lambda a: a[:, :-1]))
    use("no codes", by_codes, saved(lambda a: a[:0]))
    use("codes pickled", by_codes, saved(lambda a: np.array([{}])))
    use("codes complex", by_codes, saved(lambda a: a.astype(np.complex64)))
    use("codes cut", by_codes, codes(lambda c: c[:-9]))
    use("codes empty", by_codes, codes(lambda c: b""))
    use("codes that are a picture", by_codes, codes(lambda c: encoded(picture())))
    use("codes that are a zip", by_codes, codes(lambda c: b"PK\3\4" + c))
    use("codes that are 1e300", by_codes, saved(lambda a: a.astype(np.float64) * 1e300))
    use("codes missing", by_codes, lambda world: (world.project / "codes.npy").unlink())
    use("model garbled", by_codes, lambda world: change(
        f"{FINAL}/generator.safetensors", partial(garbled, draw=world.draw), world))  # fmt: skip

    judge = ["python", "-m", "stages", "discriminate", "mnist", "one.png"]

    def shown(make: Callable[[bytes], bytes]) -> Callable[[World], None]:
        return partial(change, "one.png", make)

    nothing = ()
    use("a picture of another size", judge, shown(lambda c: encoded(picture(mode="L"))), nothing)
    use("a picture that is text", judge, shown(lambda c: b"text"), nothing)
    use("an empty picture", judge, shown(lambda c: b""), nothing)
    use("a cut picture", judge, shown(lambda c: c[: len(c) // 2]), nothing)
    use("a picture missing", judge, lambda w: (w.project / "one.png").unlink(), nothing)
    return found
