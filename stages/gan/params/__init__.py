"""Reads and validates params.yaml. No other module reads the file.

A mistake in the file gives an error of one line. It names the place of the key, the bad value and
what is valid.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from stages.gan.common.errors import UserError
from stages.gan.common.language import LANGUAGES, _, marked
from stages.gan.common.yaml_files import as_yaml, read_mapping
from stages.gan.params import choices, names
from stages.gan.params.explanations import explain, nearest, shown

# The keys of params.yaml that belong to no single data set.
_COMMON = ("language", "datasets")


def _no_booleans(value: Any) -> Any:
    # YAML reads yes, on and true as a boolean, which would pass for the number 1 in Python.
    if isinstance(value, bool):
        raise ValueError("should be a number")
    return value


_WHOLE = BeforeValidator(_no_booleans)
Seed = Annotated[int, _WHOLE, Field(ge=0, le=2**32 - 1)]
Width = Annotated[int, _WHOLE, Field(ge=1, le=65536)]
Activation = Literal["relu", "leaky_relu", "elu", "tanh", "sigmoid", "none"]

# mypy accepts only written-out values in a Literal; pydantic puts these names into its messages.
if TYPE_CHECKING:
    LossName = str
    NetworkName = str
    Language = str
else:
    Language = Literal[LANGUAGES]
    LossName = Literal[tuple(choices.LOSSES)]
    NetworkName = Literal[tuple(choices.NETWORKS)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Kind(_Section):
    """The kinds of raw files and networks: an entry of `datasets` in params.yaml."""

    format: Literal["idx", "images"]
    network: NetworkName


class Download(_Section):
    """Where the data comes from."""

    sources: Annotated[list[Annotated[str, Field(min_length=1)]], Field(min_length=1)]
    sha256: dict[str, Annotated[str, Field(pattern="^[0-9a-f]{64}$")]]
    subset: Annotated[str, Field(min_length=1)] | None
    timeout: Annotated[float, _WHOLE, Field(gt=0, le=3600)]
    retries: Annotated[int, _WHOLE, Field(ge=0, le=20)]
    maximum_bytes: Annotated[int, _WHOLE, Field(ge=1, le=2**40)]
    bundled_count: Annotated[int, _WHOLE, Field(ge=20, le=100_000)] | None
    bundled_seed: Seed


class Preprocess(_Section):
    """How arrays are made from raw files."""

    image_size: Annotated[int, _WHOLE, Field(ge=4, le=1024)]
    channels: Annotated[Literal[1, 3], _WHOLE]
    latent_size: Annotated[int, _WHOLE, Field(ge=1, le=10_000)]
    maximum_images: Annotated[int, _WHOLE, Field(ge=4, le=2**31)] | None
    test_fraction: Annotated[float, _WHOLE, Field(gt=0, lt=1)]
    test_maximum: Annotated[int, _WHOLE, Field(ge=1, le=1_000_000)]
    duplicates: Literal["one_side", "drop", "keep"]
    transposed: bool
    seed: Seed


class Network(_Section):
    """The hidden layers of one network."""

    widths: Annotated[list[Width], Field(min_length=1, max_length=16)]
    activation: Activation
    leaky_slope: Annotated[float, _WHOLE, Field(ge=0, le=1)]
    batch_norm: bool


class LossOptions(_Section):
    """The options of the loss; `losses` says what each does."""

    reduction: Annotated[
        Literal["mean", "sum"], Field(description=marked("a training step needs one number"))
    ]
    weight: Annotated[float, _WHOLE, Field(ge=0.001, le=1000)]
    pos_weight: Annotated[float, _WHOLE, Field(ge=0.01, le=100)]
    label_smoothing: Annotated[float, _WHOLE, Field(ge=0, le=0.5)]
    gradient_penalty: Annotated[float, _WHOLE, Field(ge=0, le=1000)]

    def of_terms(self) -> dict[str, Any]:
        """The arguments of losses.Options: all but the penalty, which is no function of logits."""
        return self.model_dump(exclude={"gradient_penalty"})


class DiscriminatorNetwork(Network):
    """The hidden layers of the discriminator, with the option that only it has."""

    spectral_norm: bool


class Schedule(_Section):
    """How the learning rate changes over the run."""

    kind: Literal["constant", "cosine", "exponential", "step"]
    warm_up_steps: Annotated[int, _WHOLE, Field(ge=0, le=2**31)]
    decay: Annotated[float, _WHOLE, Field(gt=0, le=1)]
    every: Annotated[int, _WHOLE, Field(ge=1, le=2**31)]
    final: Annotated[float, _WHOLE, Field(ge=0, le=1)]


class Penalty(_Section):
    """How the penalties r1 and r2 are computed."""

    kind: Literal["exact", "difference"]
    sigma: Annotated[float, _WHOLE, Field(ge=0.00001, le=1)]


class BurnIn(_Section):
    """How the penalties and beta2 move to other values, on a cosine."""

    steps: Annotated[int, _WHOLE, Field(ge=1, le=2**31)] | None
    penalty: Annotated[float, _WHOLE, Field(ge=0, le=1000)]
    beta2: Annotated[float, _WHOLE, Field(ge=0, lt=1)] | None


class Lookahead(_Section):
    """Slow weights, towards which both networks move back."""

    every: Annotated[int, _WHOLE, Field(ge=0, le=1_000_000)]
    alpha: Annotated[float, _WHOLE, Field(gt=0, le=1)]


class Distributed(_Section):
    """The number of processes that train together."""

    workers: Annotated[int, _WHOLE, Field(ge=1, le=1024)]


class Train(_Section):
    """How the networks are trained."""

    epochs: Annotated[int, _WHOLE, Field(ge=1, le=100_000)]
    max_steps: Annotated[int, _WHOLE, Field(ge=1, le=2**31)] | None
    batch_size: Annotated[int, _WHOLE, Field(ge=2, le=65536)]
    latents: Literal["attached", "fresh"]
    learning_rate: Annotated[float, _WHOLE, Field(gt=0, le=10)]
    discriminator_learning_rate: Annotated[float, _WHOLE, Field(gt=0, le=10)] | None
    schedule: Schedule
    optimizer: Literal["adam", "adamw", "rmsprop", "sgd"]
    beta1: Annotated[float, _WHOLE, Field(ge=0, lt=1)]
    beta2: Annotated[float, _WHOLE, Field(ge=0, lt=1)]
    weight_decay: Annotated[float, _WHOLE, Field(ge=0, le=1)]
    momentum: Annotated[float, _WHOLE, Field(ge=0, lt=1)]
    extragradient: Literal["none", "past"]
    lookahead: Lookahead
    discriminator_steps: Annotated[int, _WHOLE, Field(ge=1, le=1000)]
    instance_noise: Annotated[float, _WHOLE, Field(ge=0, le=10)]
    augmentation: list[Literal["color", "translation", "cutout"]]
    r1: Annotated[float, _WHOLE, Field(ge=0, le=1_000_000)]
    r2: Annotated[float, _WHOLE, Field(ge=0, le=1_000_000)]
    penalty: Penalty
    burn_in: BurnIn
    ema: Annotated[float, _WHOLE, Field(ge=0, lt=1)]
    average_snapshots: Annotated[int, _WHOLE, Field(ge=0, le=1000)]
    quick_score: Annotated[int, _WHOLE, Field(ge=0, le=100_000)]
    loss: LossName
    loss_options: LossOptions
    seed: Seed
    grid_seed: Seed
    checkpoint_every: Annotated[int, _WHOLE, Field(ge=1, le=100_000)]
    init_from: Annotated[str, Field(min_length=1)] | None
    lecture_log: bool
    on_failure: Literal["stop", "warn"]
    distributed: Distributed
    generator: Network
    discriminator: DiscriminatorNetwork

    @property
    def gradient_penalty(self) -> float:
        """Weight of the penalty on D's gradient; 0 for a loss without a penalty."""
        has_one = choices.LOSSES[self.loss].has_gradient_penalty
        return self.loss_options.gradient_penalty if has_one else 0.0

    @property
    def penalties(self) -> dict[str, float]:
        """The penalties on D's gradient that are on: place below `train`, and weight."""
        found = {
            "r1": self.r1,
            "r2": self.r2,
            "loss_options.gradient_penalty": self.gradient_penalty,
        }
        return {place: weight for place, weight in found.items() if weight > 0}

    @property
    def moves_penalties(self) -> bool:
        """Whether r1 and r2 change during the run."""
        return self.r1 + self.r2 > 0 and self.burn_in.penalty != 1.0

    @property
    def differentiates_twice(self) -> bool:
        """Whether the losses contain D's gradient with respect to images."""
        exactly = self.penalty.kind == "exact" and (self.r1 > 0 or self.r2 > 0)
        return exactly or self.gradient_penalty > 0


class Judge(_Section):
    """The network that is trained on real images only; its features measure generated images."""

    epochs: Annotated[int, _WHOLE, Field(ge=1, le=100_000)]
    max_steps: Annotated[int, _WHOLE, Field(ge=1, le=2**31)] | None
    batch_size: Annotated[int, _WHOLE, Field(ge=2, le=65536)]
    learning_rate: Annotated[float, _WHOLE, Field(gt=0, le=10)]
    widths: Annotated[list[Width], Field(min_length=1, max_length=8)]
    feature_size: Annotated[int, _WHOLE, Field(ge=2, le=4096)]
    classes: Annotated[int, _WHOLE, Field(ge=2, le=1000)]
    shift: Annotated[int, _WHOLE, Field(ge=0, le=64)]
    seed: Seed


class Critic(_Section):
    """The discriminator that evaluate trains from scratch; its seed is evaluate's."""

    epochs: Annotated[int, _WHOLE, Field(ge=1, le=100_000)]
    batch_size: Annotated[int, _WHOLE, Field(ge=2, le=65536)]
    learning_rate: Annotated[float, _WHOLE, Field(gt=0, le=10)]
    widths: Annotated[list[Width], Field(min_length=1, max_length=8)]


class Game(_Section):
    """How the best responses of both players are searched; its seed is evaluate's."""

    steps: Annotated[int, _WHOLE, Field(ge=0, le=1_000_000)]
    batch_size: Annotated[int, _WHOLE, Field(ge=2, le=65536)]
    learning_rate: Annotated[float, _WHOLE, Field(gt=0, le=10)]
    perturbation: Annotated[float, _WHOLE, Field(gt=0, le=1)]
    proximity: Annotated[float, _WHOLE, Field(gt=0, le=1000)]


class Evaluate(_Section):
    """How the trained networks are measured."""

    samples: Annotated[int, _WHOLE, Field(ge=1, le=1_000_000)]
    seed: Seed
    interpolation_steps: Annotated[int, _WHOLE, Field(ge=2, le=50)]
    nearest: Annotated[int, _WHOLE, Field(ge=1, le=100)]
    checkpoint: Literal["last", "best"]
    critic: Critic
    game: Game


class Report(_Section):
    """The page about the run."""

    title: Annotated[str, Field(min_length=1, max_length=200)]


class Dataset(_Section):
    """Every param of one data set, and the language of its pages.

    The language's default is English whatever the locale: the bytes of a page, which is an out of
    the pipeline, may not depend on the machine.
    """

    language: Language
    kind: Kind
    download: Download
    preprocess: Preprocess
    judge: Judge
    train: Train
    evaluate: Evaluate
    report: Report

    @model_validator(mode="after")
    def _only_idx_files_are_told_apart_and_turned(self) -> "Dataset":
        for place, value, valid in (
            ("download.subset", self.download.subset, None),
            ("preprocess.transposed", self.preprocess.transposed, False),
        ):
            if self.kind.format != "idx" and value != valid:
                raise ValueError(
                    _(
                        "{place} is {value}, but format {format} does not use it: valid is "
                        "{valid}, or format idx"
                    ).format(
                        place=place,
                        value=as_yaml(value),
                        format=self.kind.format,
                        valid=as_yaml(valid),
                    )
                )
        return self

    @model_validator(mode="after")
    def _the_optimizer_has_what_is_set(self) -> "Dataset":
        for name, owners in (("weight_decay", ["adamw"]), ("momentum", ["rmsprop", "sgd"])):
            value = getattr(self.train, name)
            if value and self.train.optimizer not in owners:
                raise ValueError(
                    _(
                        "train.{name} is {value}, but train.optimizer {optimizer} has "
                        "none: valid is 0, or optimizer {owners}"
                    ).format(
                        name=name,
                        value=value,
                        optimizer=self.train.optimizer,
                        owners=" | ".join(owners),
                    )
                )
        return self

    @model_validator(mode="after")
    def _beta2_moves_where_there_is_one(self) -> "Dataset":
        value, optimizer = self.train.burn_in.beta2, self.train.optimizer
        if value is not None and optimizer == "sgd":
            raise ValueError(
                _(
                    "train.burn_in.beta2 is {value}, but train.optimizer {optimizer} has "
                    "none: valid is null, or optimizer {owners}"
                ).format(value=value, optimizer=optimizer, owners="adam | adamw | rmsprop")
            )
        return self

    @model_validator(mode="after")
    def _penalties_are_there_to_be_computed_and_moved(self) -> "Dataset":
        train = self.train
        if train.r1 + train.r2 == 0:
            for place, value, valid in (
                ("penalty.kind", train.penalty.kind, "exact"),
                ("burn_in.penalty", train.burn_in.penalty, 1.0),
            ):
                if value != valid:
                    raise ValueError(
                        _(
                            "train.{place} is {value}, but train.r1 and train.r2 are 0: valid is "
                            "{valid}, or r1 or r2 above 0"
                        ).format(place=place, value=value, valid=valid)
                    )
        steps, beta2 = train.burn_in.steps, train.burn_in.beta2
        if steps is not None and beta2 is None and not train.moves_penalties:
            raise ValueError(
                _(
                    "train.burn_in.steps is {value}, but burn_in.penalty is 1.0 and burn_in.beta2 "
                    "is null, so nothing moves: valid is null, or another penalty or beta2"
                ).format(value=steps)
            )
        return self

    @model_validator(mode="after")
    def _the_game_has_a_value(self) -> "Dataset":
        steps, loss = self.evaluate.game.steps, self.train.loss
        if steps and choices.LOSSES[loss].has_gradient_penalty:
            able = [name for name, each in choices.LOSSES.items() if not each.has_gradient_penalty]
            raise ValueError(
                _(
                    "evaluate.game.steps is {steps}, but the game of train.loss {loss} has no "
                    "finite value: valid is 0, or a loss of {able}"
                ).format(steps=steps, loss=loss, able=" | ".join(able))
            )
        return self

    @model_validator(mode="after")
    def _what_is_best_is_scored(self) -> "Dataset":
        if self.evaluate.checkpoint == "best" and not self.train.quick_score:
            raise ValueError(
                _(
                    "evaluate.checkpoint is best, but train.quick_score is 0, so no epoch is "
                    "scored: valid is last, or a quick_score of 1 or more"
                )
            )
        return self

    @model_validator(mode="after")
    def _batches_are_shared_out_evenly(self) -> "Dataset":
        workers, batch = self.train.distributed.workers, self.train.batch_size
        # MindSpore's binary cross-entropy of a single number is not a float32.
        if workers > 1 and (batch % workers or batch // workers < 2):
            able = [str(n) for n in range(1, min(batch // 2, 1024) + 1) if batch % n == 0]
            raise ValueError(
                _(
                    "train.distributed.workers is {workers}, but train.batch_size {batch} "
                    "cannot be divided evenly among them with at least 2 images each: "
                    "valid is {able}, or another batch_size"
                ).format(workers=workers, batch=batch, able=" | ".join(able))
            )
        return self

    @model_validator(mode="after")
    def _every_image_has_its_own_gradient(self) -> "Dataset":
        # A difference does not give it either: an image that moves changes the others' logits too,
        # and the running statistics would be those of moved images.
        train = self.train
        if train.penalties and train.discriminator.batch_norm:
            name, value = next(iter(train.penalties.items()))
            raise ValueError(
                _(
                    "train.{name} is {value}, but with train.discriminator.batch_norm the "
                    "gradient of one image depends on other images: valid is {name} 0, or "
                    "batch_norm false"
                ).format(name=name, value=value)
            )
        return self

    @model_validator(mode="after")
    def _the_networks_can_be_built(self) -> "Dataset":
        size, channels = self.preprocess.image_size, self.preprocess.channels
        widths = self.train.generator.widths, self.train.discriminator.widths
        kind = choices.NETWORKS[self.kind.network]
        if complaint := kind.complaint((channels, size, size), *widths):
            raise ValueError(
                _(
                    "preprocess.image_size is {size}, train.generator.widths has "
                    "{generator} entries and train.discriminator.widths has "
                    "{discriminator}, but no such {network} can be built: {complaint}"
                ).format(
                    size=size,
                    generator=len(widths[0]),
                    discriminator=len(widths[1]),
                    network=self.kind.network,
                    complaint=complaint,
                )
            )
        return self

    @model_validator(mode="after")
    def _loss_has_use_for_its_options(self) -> "Dataset":
        name, options = self.train.loss, self.train.loss_options
        for option, neutral in choices.OPTIONS.items():
            value = getattr(options, option)
            if value != neutral and not choices.LOSSES[name].takes(option):
                able = choices.losses_that_take(option)
                raise ValueError(
                    _(
                        "train.loss_options.{option} is {value}, but train.loss is {name}, "
                        "which does not use it: valid is {neutral}, or a loss of {able}"
                    ).format(
                        option=option,
                        value=value,
                        name=name,
                        neutral=neutral,
                        able=" | ".join(able),
                    )
                )
        return self


def load(path: Path, dataset: str) -> Dataset:
    """Read and validate the params of one data set.

    Parameters
    ----------
    path : Path
        The YAML file.
    dataset : str
        A key of its `datasets`.

    Raises
    ------
    UserError
        In one line, for every mistake in the file or the name.
    """
    content = _read(path)
    kinds = content["datasets"]
    check_name(path, dataset)
    for key in content:
        if key not in _COMMON and key not in kinds:
            raise UserError(
                _("{path}: unknown key {key}{nearest}").format(
                    path=path, key=key, nearest=nearest(key, [*_COMMON, *kinds])
                )
            )
    section = content.get(dataset)
    if not isinstance(section, dict):
        raise UserError(
            _("{path}: key {dataset} is missing: it should hold the data set's params").format(
                path=path, dataset=dataset
            )
        )
    if "kind" in section:
        raise UserError(
            _("{path}: unknown key {dataset}.kind: it belongs in datasets.{dataset}").format(
                path=path, dataset=dataset
            )
        )
    if "language" in section:
        raise UserError(
            _("{path}: unknown key {dataset}.language: all data sets share `language`").format(
                path=path, dataset=dataset
            )
        )
    common = {"language": language(path), "kind": kinds[dataset]}
    try:
        return Dataset.model_validate({**common, **section})
    except ValidationError as error:
        messages = [explain(Dataset, dataset, problem) for problem in error.errors()]
        raise UserError(f"{path}: {' '.join('; '.join(messages).split())}") from None


def language(path: Path) -> str:
    """The language of pages and model cards.

    Raises
    ------
    UserError
        If the file has none, or an unknown one.
    """
    found = _read(path).get("language")
    if found not in LANGUAGES:
        valid = " | ".join(LANGUAGES)
        if found is None:
            raise UserError(
                _("{path}: language is missing: valid is {valid}").format(path=path, valid=valid)
            )
        raise UserError(
            _("{path}: language is {value}: valid is {valid}").format(
                path=path, value=shown(found), valid=valid
            )
        )
    return found


def shareable(params: Dataset) -> dict[str, Any]:
    """The params of the run as JSON values, without the folders of this machine: safe to share."""
    settings = params.model_dump(mode="json", exclude={"language"})
    del settings["download"]["sources"]
    if params.train.init_from:
        settings["train"]["init_from"] = Path(params.train.init_from).name
    return settings


def check_name(path: Path, dataset: str) -> None:
    """Raise UserError, with the valid names, if the file has no such data set."""
    known = check_names(path)
    if dataset not in known:
        raise UserError(
            _("no data set {dataset!r}{nearest}").format(
                dataset=dataset, nearest=nearest(dataset, known)
            )
        )


def check_names(path: Path) -> list[str]:
    """The names of all data sets in the file.

    Raises
    ------
    UserError
        If one of them breaks the rule; see `names`.
    """
    return list(_read(path)["datasets"])


def _read(path: Path) -> dict[str, Any]:
    content = read_mapping(path)
    if not isinstance(content.get("datasets"), dict):
        raise UserError(
            _(
                "{path}: it should hold a mapping `datasets` from names to format and network"
            ).format(path=path)
        )
    for name in content["datasets"]:
        if not names.is_valid(name):
            raise UserError(
                _("{path}: {name} cannot name a data set: valid is {valid}").format(
                    path=path, name=names.shown(name), valid=names.valid()
                )
            )
        if other := names.same_file(name, content["datasets"]):
            raise UserError(
                _(
                    "{path}: {name} and {other} cannot both name a data set: Windows and macOS "
                    "would give them the same folder"
                ).format(path=path, name=names.shown(name), other=names.shown(other))
            )
    return content
