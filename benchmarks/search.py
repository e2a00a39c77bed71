"""The search for better recipes: one change of the lecture's recipe at a time, then together.

    python -m benchmarks.search queue DATASET [NAME ...]    # then: dvc queue start
    python -m benchmarks.search table DATASET               # the finished ones as Markdown

`table` keeps what it finds in search.json beside this file, with all that was found before.

Run in a clone whose params.yaml names the real data and has the recipe `lecture`, in `max_steps`
how long it is trained; run and commit that first (see docs/search.md). All cost the same: each
experiment gets as many steps as take the time of the lecture's, as measured beside it when it is
queued (see costs). Each has the name of its change, so `dvc exp show`, `dvc exp apply` and `dvc
params diff` know it, too.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.costs import ratio
from benchmarks.questions import experiments
from benchmarks.scores.tables import COLUMNS
from stages.gan.common import paths
from stages.gan.common.yaml_files import as_yaml, read_mapping
from stages.gan.evaluation import scoring

_FAST = {
    "mnist.train.latents": "fresh",
    "mnist.train.learning_rate": 0.001,
    "mnist.train.schedule.kind": "cosine",
    "mnist.train.ema": 0.999,
}
_CONVOLUTIONS = {
    "datasets.mnist.network": "dcgan",
    "mnist.train.loss": "bce_with_logits",
    "mnist.train.latents": "fresh",
    "mnist.train.learning_rate": 0.001,
    "mnist.train.ema": 0.999,
    "mnist.train.batch_size": 64,
    "mnist.train.generator.widths": [64, 32],
    "mnist.train.discriminator.widths": [32, 64],
}
# R3GAN's loss, penalties and betas (Huang et al. 2024), for networks of any kind.
_PAIRS = {
    "mnist.train.loss": "rpgan",
    "mnist.train.r1": 1.0,
    "mnist.train.r2": 1.0,
    "mnist.train.penalty.kind": "difference",
    "mnist.train.latents": "fresh",
    "mnist.train.learning_rate": 0.0005,
    "mnist.train.beta1": 0.0,
    "mnist.train.beta2": 0.99,
    "mnist.train.ema": 0.999,
    "mnist.train.batch_size": 64,
    "mnist.train.generator.activation": "leaky_relu",
}
_RESIDUAL = {
    "datasets.mnist.network": "residual",
    "mnist.train.generator.widths": [64, 32],
    "mnist.train.generator.activation": "leaky_relu",
    "mnist.train.generator.batch_norm": False,
    "mnist.train.discriminator.widths": [32, 64],
}
# InfoGAN's shape, rates and batch norm (Chen et al. 2016), with fewer channels.
_MIXED = {
    "datasets.mnist.network": "mixed",
    "mnist.train.latents": "fresh",
    "mnist.train.learning_rate": 0.001,
    "mnist.train.discriminator_learning_rate": 0.0002,
    "mnist.train.ema": 0.999,
    "mnist.train.batch_size": 64,
    "mnist.train.generator.widths": [512, 32, 16],
    "mnist.train.discriminator.widths": [16, 32, 256],
}
# Half the channels are a quarter of the work, so four times the steps.
_NARROW = {
    "faces.train.generator.widths": [256, 128, 64, 32],
    "faces.train.discriminator.widths": [32, 64, 128, 256],
}
# As what won among digits; a shorter average, as there are fewer steps.
_NARROW_FAST = {
    **_NARROW,
    "faces.train.loss": "bce_with_logits",
    "faces.train.latents": "fresh",
    "faces.train.learning_rate": 0.0005,
    "faces.train.schedule.kind": "cosine",
    "faces.train.ema": 0.99,
}
_NARROW_FAST_SMALL_BATCH = {**_NARROW_FAST, "faces.train.batch_size": 32}
SEARCH: dict[str, dict[str, dict[str, Any]]] = {
    "mnist": {
        "lecture": {},
        "logits": {"mnist.train.loss": "bce_with_logits"},
        "average": {"mnist.train.ema": 0.999},
        "fresh": {"mnist.train.latents": "fresh"},
        "least-squares": {"mnist.train.loss": "mse"},
        "hinge": {"mnist.train.loss": "hinge"},
        "cosine": {"mnist.train.schedule.kind": "cosine"},
        "r1": {"mnist.train.r1": 1.0},
        "spectral": {"mnist.train.discriminator.spectral_norm": True},
        "slow-d": {"mnist.train.discriminator_learning_rate": 0.0001},
        "fast-d": {"mnist.train.discriminator_learning_rate": 0.0004},
        "faster": {"mnist.train.learning_rate": 0.0005},
        "small-batch": {"mnist.train.batch_size": 32},
        "smoothing": {"mnist.train.loss_options.label_smoothing": 0.1},
        "noise": {"mnist.train.instance_noise": 0.2},
        "moved": {"mnist.train.augmentation": ["translation"]},
        "fast": _FAST,
        "fast-noise": {**_FAST, "mnist.train.instance_noise": 0.3},
        "fast-small-batch": {
            **_FAST,
            "mnist.train.batch_size": 32,
            "mnist.train.learning_rate": 0.0005,
        },
        "fast-half-batch": {
            **_FAST,
            "mnist.train.batch_size": 64,
            "mnist.train.learning_rate": 0.0005,
        },
        "fast-half-batch-faster": {
            **_FAST,
            "mnist.train.batch_size": 64,
            "mnist.train.learning_rate": 0.0007,
        },
        "fast-slower": {**_FAST, "mnist.train.learning_rate": 0.0005},
        "convolutions": _CONVOLUTIONS,
        "convolutions-norm": {**_CONVOLUTIONS, "mnist.train.discriminator.batch_norm": True},
        "convolutions-slow-spectral": {
            **_CONVOLUTIONS,
            "mnist.train.loss": "bce",
            "mnist.train.latents": "attached",
            "mnist.train.learning_rate": 0.0002,
            "mnist.train.discriminator.spectral_norm": True,
        },
        "convolutions-fast": {
            **_CONVOLUTIONS,
            "mnist.train.learning_rate": 0.002,
            "mnist.train.schedule.kind": "cosine",
        },
        "convolutions-small-batch": {
            **_CONVOLUTIONS,
            "mnist.train.batch_size": 32,
            "mnist.train.schedule.kind": "cosine",
        },
        "convolutions-wide": {
            **_CONVOLUTIONS,
            "mnist.train.learning_rate": 0.0004,
            "mnist.train.generator.widths": [96, 48],
            "mnist.train.discriminator.widths": [48, 96],
        },
        "pairs": _PAIRS,
        "pairs-free": {**_PAIRS, "mnist.train.r1": 0.1, "mnist.train.r2": 0.1},
        "residual": {
            **_CONVOLUTIONS,
            **_RESIDUAL,
            "mnist.train.learning_rate": 0.0005,
            "mnist.train.discriminator_learning_rate": 0.0002,
            "mnist.train.generator.batch_norm": True,
        },
        "residual-pairs": {**_PAIRS, **_RESIDUAL},
        "mixed-without-norm": _MIXED,
        "mixed": {**_MIXED, "mnist.train.discriminator.batch_norm": True},
    },
    "faces": {
        "lecture": {},
        "average": {"faces.train.ema": 0.99},
        "fresh": {"faces.train.latents": "fresh"},
        "augmented": {"faces.train.augmentation": ["color", "translation", "cutout"]},
        "moved": {"faces.train.augmentation": ["translation", "cutout"]},
        "slow-d": {"faces.train.discriminator_learning_rate": 0.0001},
        "smoothing": {"faces.train.loss_options.label_smoothing": 0.1},
        "spectral": {
            "faces.train.discriminator.batch_norm": False,
            "faces.train.discriminator.spectral_norm": True,
        },
        "r1": {"faces.train.discriminator.batch_norm": False, "faces.train.r1": 1.0},
        "hinge": {"faces.train.loss": "hinge"},
        "small-batch": {"faces.train.batch_size": 32},
        "narrow": _NARROW,
        "narrow-fast": _NARROW_FAST,
        "narrow-fast-small-batch": _NARROW_FAST_SMALL_BATCH,
        # D wins there, D(x) 0.85 and D(G(z)) 0.14: what weakens it, less than spectral norm does.
        "narrow-fast-small-batch-slow-d": {
            **_NARROW_FAST_SMALL_BATCH,
            "faces.train.discriminator_learning_rate": 0.0002,
        },
        "narrow-fast-small-batch-moved": {
            **_NARROW_FAST_SMALL_BATCH,
            "faces.train.augmentation": ["color", "translation"],
        },
        "narrow-fast-small-batch-translated": {
            **_NARROW_FAST_SMALL_BATCH,
            "faces.train.augmentation": ["translation"],
        },
        "narrow-fast-small-batch-slow": {
            **_NARROW_FAST_SMALL_BATCH,
            "faces.train.learning_rate": 0.0002,
        },
        "narrow-fast-moved": {**_NARROW_FAST, "faces.train.augmentation": ["translation"]},
        "narrow-fast-spectral": {
            **_NARROW_FAST,
            "faces.train.discriminator.batch_norm": False,
            "faces.train.discriminator.spectral_norm": True,
        },
        "narrow-average": {**_NARROW, "faces.train.ema": 0.999},
        "narrow-augmented": {
            **_NARROW,
            "faces.train.ema": 0.999,
            "faces.train.augmentation": ["color", "translation", "cutout"],
        },
    },
}
RESULTS = Path(__file__).with_name("search.json")


def queue(dataset: str, names: list[str]) -> None:
    """Queue the experiments of those names, or all, each for the cost of the lecture's recipe."""
    steps = read_mapping(paths.PARAMS)[dataset]["train"]["max_steps"]
    for name in names or SEARCH[dataset]:
        cost = ratio(dataset, SEARCH[dataset][name])
        changes = {**SEARCH[dataset][name], f"{dataset}.train.max_steps": round(steps / cost)}
        print(f"{name}: a step costs {cost:.2f} times the lecture's", flush=True)
        options = [f"-S={key}={as_yaml(value)}" for key, value in changes.items()]
        command = ["dvc", "exp", "run", "--queue", "-n", f"{dataset}-{name}", *options]
        subprocess.run([*command, f"evaluate@{dataset}"], check=True)


def scored(dataset: str) -> dict[str, Any]:
    """What each finished experiment changed, for how many steps, and all of its scores."""
    found = experiments()
    results = {}
    for name, changes in SEARCH[dataset].items():
        data = found.get(f"{dataset}-{name}")
        if data is None:
            continue
        metrics = data["metrics"][f"metrics/{dataset}/scores.json"]["data"]
        results[name] = {
            "changes": changes,
            "steps": data["metrics"][f"metrics/{dataset}/train.json"]["data"]["steps"],
            "samples": metrics["samples"],
            "judge": metrics["judge"],
            "scores": {
                key: metrics[group][key]
                for group, keys in (("quality", scoring.QUALITY), ("critic", scoring.CRITIC))
                for key in keys
            },
        }
    return results


def table(results: Mapping[str, Any]) -> str:
    """Markdown: for each judge and number of images a row for each experiment, with errors."""
    lines = []
    kind = None
    for name, found in sorted(results.items(), key=lambda item: _kind(item[1])):
        if kind != _kind(found):
            kind = _kind(found)
            lines += [f"Judge {kind[0][:8]}, {kind[1]:,} images:", ""]
            lines += [f"| | steps | {' | '.join(COLUMNS.values())} |"]
            lines += [f"|{'---|' * (len(COLUMNS) + 2)}"]
        cells = [_cell(found["scores"].get(key)) for key in COLUMNS]
        lines.append(f"| {name} | {found['steps']:,} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(score: Mapping[str, Any] | None) -> str:
    """A value with its error; "-" where the experiment is older than the measure."""
    return f"{score['value']:.4g} ± {score['error']:.1g}" if score else "-"


def _kind(found: Mapping[str, Any]) -> tuple[str, int]:
    return found["judge"]["sha256"], found["samples"]


def keep(dataset: str, results: Mapping[str, Any]) -> dict[str, Any]:
    """Put these into the places of older ones in RESULTS.

    Returns
    -------
    dict
        All of the data set: in the order of the search, then those that are no part of it any more.
    """
    known = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    together = {**known.get(dataset, {}), **results}
    names = [name for name in SEARCH[dataset] if name in together]
    known[dataset] = {name: together[name] for name in dict.fromkeys([*names, *together])}
    RESULTS.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
    return known[dataset]


def main() -> None:
    """Do what the first argument says."""
    if sys.argv[1:2] == ["queue"] and sys.argv[2:3]:
        queue(sys.argv[2], sys.argv[3:])
    elif sys.argv[1:2] == ["table"] and len(sys.argv) == 3:
        print(table(keep(sys.argv[2], scored(sys.argv[2]))))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
