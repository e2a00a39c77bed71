"""Inception-FID of an exported generator, by torch-fidelity or clean-fid: another scale than ours.

    python -m benchmarks.inception DATASET FOLDER [--count N] [--by torch-fidelity|clean-fid]
                                   [--weights FILE]

It draws images with models/DATASET/export/generator.onnx, writes them and as many held-out real
images as PNG files into FOLDER/generated and FOLDER/real, and lets the package compare the folders.
Any other tool can compare them, too.

Our own Frechet distance uses the features of a small judge of this data set; theirs those of
Inception, which was trained on photographs. So the numbers are on different scales, and only
theirs can be set beside published ones (and only with as many images, and of the same size).

The package comes with the extra `inception`. Neither package holds Inception's weights: both
download them when they first run. On a machine without network, fetch the file elsewhere and name
it with --weights. clean-fid looks for it in its cache folder, into which it is copied.
"""

import argparse
import filecmp
import importlib.util
import shutil
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stages.gan.common import paths
from stages.gan.common.errors import UserError
from stages.gan.common.files import whole_folder
from stages.gan.common.randomness import latent_codes, stream
from stages.gan.data import prepared
from stages.gan.trained import grids

# Module, the file of Inception's weights, and where it is offered.
PACKAGES = {
    "torch-fidelity": (
        "torch_fidelity",
        "weights-inception-2015-12-05-6726825d.pth",
        "https://github.com/toshas/torch-fidelity/releases/tag/v0.2.0",
    ),
    "clean-fid": (
        "cleanfid",
        "inception-2015-12-05.pt",
        "https://nvlabs-fi-cdn.nvidia.com/stylegan2-ada-pytorch/pretrained/metrics/",
    ),
}
_BATCH = 200
# Where clean-fid looks for the weights.
_CACHE = Path("/tmp")


def main() -> int:
    """Write both folders, and print the distance; 1 if the package or its weights are missing."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("dataset")
    parser.add_argument("folder", type=Path, help="new; gets `generated` and `real`")
    parser.add_argument("--count", type=int, default=10_000, help="at most, of each kind")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--by", choices=tuple(PACKAGES), default="torch-fidelity")
    parser.add_argument("--weights", type=Path, help="the file of Inception's weights")
    arguments = parser.parse_args()
    try:
        held_out = prepared.load(paths.prepared(arguments.dataset), "test")
        count = min(arguments.count, len(held_out))
        file = paths.export(arguments.dataset) / "generator.onnx"
        images = drawn(file, count, arguments.seed)
        chosen = stream(arguments.seed, "pictures").permutation(len(held_out))[:count]
        write(arguments.folder, images, held_out.batch(np.sort(chosen)))
        print(
            f"{count:,} images of each kind: {arguments.folder}/generated, {arguments.folder}/real"
        )
        value = compared(arguments.folder, arguments.by, arguments.weights)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"Inception-FID by {arguments.by}, {count:,} images: {value:.4g}")
    print(
        "It is on another scale than quality.frechet_distance: compare it with its own kind only."
    )
    return 0


def drawn(file: Path, count: int, seed: int) -> NDArray[np.float32]:
    """Images (N, C, H, W) in [-1, 1] of an exported generator, of codes drawn with this seed.

    Raises
    ------
    UserError
        If there is no such file, or onnxruntime is not installed.
    """
    if not file.is_file():
        raise UserError(f"{file} is missing: run `dvc repro` first")
    if importlib.util.find_spec("onnxruntime") is None:
        raise UserError("onnxruntime is missing: python -m pip install onnxruntime")
    import onnxruntime

    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    (taken,) = session.get_inputs()
    codes = latent_codes(stream(seed, "evaluation latents"), count, int(taken.shape[1]))
    parts = [
        session.run(None, {taken.name: codes[start : start + _BATCH]})[0]
        for start in range(0, count, _BATCH)
    ]
    return np.concatenate(parts)


def write(folder: Path, generated: NDArray[np.floating], real: NDArray[np.floating]) -> None:
    """Write images (N, C, H, W) in [-1, 1] as PNG files of 8 bits, grey or colour as they are.

    Raises
    ------
    UserError
        If one of the two folders is there already.
    """
    for name, images in (("generated", generated), ("real", real)):
        if (folder / name).exists():
            raise UserError(f"{folder / name} exists already: valid is a new folder")
        with whole_folder(folder / name) as scratch:
            for index, image in enumerate(images):
                grids.single(image).save(scratch / f"{index:05d}.png")


def compared(folder: Path, by: str, weights: Path | None) -> float:
    """The Frechet distance of both folders by this package, in Inception's features.

    Raises
    ------
    UserError
        If the package is not installed, its weights are not there, or clean-fid's cache has others.
    """
    module, name, place = PACKAGES[by]
    if importlib.util.find_spec(module) is None:
        raise UserError(
            f"{by} is missing: python -m pip install -e '.[inception]'; the images are in {folder}"
        )
    if weights is None or not weights.is_file():
        raise UserError(
            f"Inception's weights are missing: get {name} from {place} where there is a network, "
            f"and name the file with --weights; the images are in {folder}"
        )
    sides = str(folder / "generated"), str(folder / "real")
    if by == "torch-fidelity":
        import torch_fidelity

        found = torch_fidelity.calculate_metrics(
            input1=sides[0],
            input2=sides[1],
            fid=True,
            cuda=False,
            feature_extractor_weights_path=str(weights),
            verbose=False,
        )
        return float(found["frechet_inception_distance"])
    from cleanfid import fid

    cache = _CACHE / name
    if not cache.is_file():
        shutil.copyfile(weights, cache)
    elif not filecmp.cmp(weights, cache, shallow=False):
        raise UserError(
            f"{cache}, which clean-fid uses, differs from {weights}: delete it, or name it with "
            "--weights"
        )
    return float(fid.compute_fid(*sides, device="cpu", num_workers=0, verbose=False))


if __name__ == "__main__":
    sys.exit(main())
