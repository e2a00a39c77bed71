"""A checkpoint from anywhere loads as it was, or ends in one line: whatever is in its files."""

import contextlib
import copy
import json
import pickle
import struct
from collections.abc import Iterator
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.gan import networks
from stages.gan.common.errors import UserError
from stages.gan.trained import checkpoints, manifest
from stages.gan.trained.averaging import Average
from stages.gan.training.optimizers import adam
from tests.helpers.data import message_of
from tests.helpers.training.network import describe
from tests.helpers.traps import Trap

PARTS = ("generator", "discriminator", "optimizers", "average")


def movers(pair):
    return tuple(
        adam(network, name, 0.002, 0.5, 0.999)
        for network, name in zip(pair, ("generator", "discriminator"), strict=True)
    )


def weights(networks_) -> dict[str, np.ndarray]:
    return {p.name: p.asnumpy() for network in networks_ for p in network.get_parameters()}


class Saved:
    """A checkpoint, what it is worth, and its files to be put back."""

    def __init__(self, folder, kind):
        self.folder = folder
        pair = networks.build(describe(kind), seed=4)
        trained = checkpoints.parts(*pair, movers(pair), Average(pair[0], 0.9))
        checkpoints.save(folder, describe(kind), trained, 3, 30)
        self.files = {file: file.read_bytes() for file in sorted(folder.iterdir())}
        self.weights = weights(pair)
        # Restored into again and again; every use overwrites it all, or ends in an error.
        self.optimizers = movers(networks.build(describe(kind)))

    @contextlib.contextmanager
    def restored(self) -> Iterator[None]:
        try:
            yield
        finally:
            for file, content in self.files.items():
                file.write_bytes(content)

    def seal(self, **changes):
        """Make checkpoint.json true of the files as they are, as somebody malicious would."""
        about = json.loads(self.files[self.folder / manifest.NAME])
        manifest.write(self.folder, 3, 30, {**about["networks"], **changes})

    def take_up(self):
        """All that can be done with it."""
        checkpoint = checkpoints.load(self.folder)
        pair = checkpoint.networks()
        checkpoint.restore_optimizers(self.optimizers)
        return checkpoint, weights(pair)

    def use(self):
        """The same; None if it was refused in one line."""
        try:
            return self.take_up()
        except UserError as error:
            text = str(error)
        assert text
        assert len(text) < 2000
        return None


@pytest.fixture(scope="module", params=networks.KINDS)
def saved(request, tmp_path_factory):
    return Saved(tmp_path_factory.mktemp("fuzzing") / "checkpoint", request.param)


@pytest.fixture(scope="module")
def mlp(tmp_path_factory):
    return Saved(tmp_path_factory.mktemp("fuzzing") / "checkpoint", "mlp")


def test_a_sound_one_loads_equal(saved):
    checkpoint, found = saved.use()
    assert (checkpoint.epoch, checkpoint.step) == (3, 30)
    assert found.keys() == saved.weights.keys()
    for name, value in found.items():
        assert np.array_equal(value, saved.weights[name])


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_damaged_bytes_load_equal_or_end_in_one_line(mlp, data):
    with mlp.restored():
        for file in data.draw(st.sets(st.sampled_from(sorted(mlp.files)), min_size=1, max_size=2)):
            content = bytearray(mlp.files[file])
            for _ in range(data.draw(st.integers(0, 3))):
                content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(
                    st.integers(1, 255)
                )
            if data.draw(st.booleans()):
                del content[data.draw(st.integers(0, len(content) - 1)) :]
            file.write_bytes(content)
        if used := mlp.use():
            checkpoint, found = used
            assert (checkpoint.epoch, checkpoint.step) == (3, 30)
            assert checkpoint.description == describe("mlp")
            for name, value in found.items():
                assert np.array_equal(value, mlp.weights[name])


def header_of(content: bytes) -> tuple[dict, bytes]:
    """What a .safetensors file says of its tensors, and the rest of it."""
    (length,) = struct.unpack("<Q", content[:8])
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def with_header(header: object, rest: bytes, length: int | None = None) -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + rest


HOSTILE = (
    st.sampled_from([-1, 0, 1, 2**31, 2**53, 2**63, 2**64, 10**30, None, True, 1.5, "F32", [], {}])
    | st.sampled_from(["F16", "F64", "BF16", "F8_E4M3", "I32", "U8", "BOOL", "C64", "O", "../x"])
    | st.lists(st.sampled_from([-1, 0, 1, 8, 2**32, 2**63]), max_size=4)
)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_hostile_tensors_with_true_hashes_end_in_one_line_or_load(saved, data):
    """The hashes hold, so that it is for the reader of the tensors to be careful."""
    part = data.draw(st.sampled_from(PARTS))
    file = saved.folder / f"{part}.safetensors"
    header, rest = header_of(saved.files[file])
    length = None
    way = data.draw(st.sampled_from(["value", "name", "gone", "length", "bytes", "cut", "any"]))
    names = sorted(name for name in header if name != "__metadata__")
    name = data.draw(st.sampled_from(names))
    if way == "value":
        key = data.draw(st.sampled_from(["dtype", "shape", "data_offsets"]))
        header[name][key] = data.draw(HOSTILE)
    elif way == "name":
        header[data.draw(st.text(max_size=5))] = header.pop(name)
    elif way == "gone":
        del header[name]
    elif way == "length":
        length = data.draw(st.sampled_from([0, 1, 2**31, 2**40, 2**63, 2**64 - 1]))
    elif way == "any":
        header = data.draw(HOSTILE)
    content = bytearray(with_header(header, rest, length))
    if way == "bytes":
        for _ in range(data.draw(st.integers(1, 4))):
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    if way == "cut":
        del content[data.draw(st.integers(0, len(content) - 1)) :]
    with saved.restored():
        file.write_bytes(content)
        saved.seal()
        if used := saved.use():
            shapes = {name: value.shape for name, value in used[1].items()}
            assert shapes == {name: value.shape for name, value in saved.weights.items()}
            assert {value.dtype for value in used[1].values()} == {np.dtype(np.float32)}


@pytest.mark.parametrize("part", ["generator", "optimizers", "average"])
@pytest.mark.parametrize("kind", ["F64", "I32", "F16", "BF16", "U8"])
def test_numbers_of_another_type_are_refused(saved, part, kind):
    sizes = {"F64": 8, "I32": 4, "F16": 2, "BF16": 2, "U8": 1}
    file = saved.folder / f"{part}.safetensors"
    header, _ = header_of(saved.files[file])
    end = 0
    for name in sorted(header):
        entry = header[name]
        entry["dtype"] = kind
        beginning, end = end, end + sizes[kind] * int(np.prod(entry["shape"]))
        entry["data_offsets"] = [beginning, end]
    with saved.restored():
        file.write_bytes(with_header(header, bytes(end)))
        saved.seal()
        text = message_of(saved.take_up)
        assert text.startswith(f"{file} does not fit")


DESCRIBED = [field.name for field in fields(networks.Description)]


@settings(max_examples=80, deadline=None)
@given(
    changes=st.dictionaries(
        st.sampled_from(DESCRIBED) | st.text(max_size=4),
        st.recursive(
            HOSTILE
            | st.floats()
            | st.text(max_size=4)
            | st.sampled_from([*networks.KINDS, "relu", 6, 8, 12, 0.2, 65536, 10_000, 1024]),
            lambda inner: st.lists(inner, max_size=17),
            max_leaves=17,
        ),
        min_size=1,
        max_size=3,
    ),
)
def test_any_description_is_that_of_the_weights_or_ends_in_one_line(saved, changes):
    file = saved.folder / manifest.NAME
    about = json.loads(saved.files[file])
    del about["checksum"]  # so that any JSON can stand there
    about["networks"] = {**copy.deepcopy(about["networks"]), **changes}
    with saved.restored():
        file.write_text(json.dumps(about))
        if used := saved.use():
            assert {name: value.shape for name, value in used[1].items()} == {
                name: value.shape for name, value in saved.weights.items()
            }


@pytest.mark.parametrize(
    "changes",
    [
        {"generator_widths": [65536] * 16},
        {"discriminator_widths": [65536] * 16},
        {"latent_size": 10_000, "generator_widths": [65536, 12]},
        {"image_shape": [3, 1024, 1024], "generator_widths": [8, 65536]},
    ],
    ids=["generator", "discriminator", "latent codes", "images"],
)
def test_networks_larger_than_their_files_are_not_built(saved, changes, monkeypatch):
    """They have hundreds of gigabytes of weights, and params.yaml admits them."""
    kind = json.loads(saved.files[saved.folder / manifest.NAME])["networks"]["kind"]
    if kind != "mlp" and len(changes.get("generator_widths", [])) == 16:
        changes = {**changes, "generator_widths": [65536] * 2}
    if kind != "mlp" and "discriminator_widths" in changes:
        changes = {"discriminator_widths": [65536] * 2}
    monkeypatch.setattr(networks, "build", lambda *_: pytest.fail("it was built"))
    with saved.restored():
        saved.seal(**changes)
        text = message_of(checkpoints.load, saved.folder)
    assert "does not fit the networks: by checkpoint.json the " in text


@pytest.mark.parametrize(
    ("kind", "widths"),
    [
        (kind, widths)
        for kind in networks.KINDS
        for widths in ((8,), (8, 12), (12, 8))
        if kind != "mixed" or len(widths) > 1  # fewer are refused
    ],
)
def test_weights_are_counted_before_they_are_made(kind, widths):
    description = describe(kind, generator_widths=widths, discriminator_widths=widths[::-1])
    pair = networks.build(description)
    for name, network in zip(("generator", "discriminator"), pair, strict=True):
        sizes = [p.size for p in network.get_parameters() if p.name.endswith(".weight")]
        assert description.weights()[name] == sum(sizes)


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"kind": "transformer"}, f"kind is 'transformer', valid is {' | '.join(networks.KINDS)}"),
        ({"latent_size": 0}, "latent_size"),
        ({"latent_size": True}, "latent_size"),
        ({"latent_size": "6"}, "latent_size"),
        ({"generator_widths": []}, "generator_widths"),
        ({"generator_widths": [8] * 17}, "generator_widths"),
        ({"generator_widths": [8, 65537]}, "generator_widths.1"),
        ({"image_shape": [1, 8]}, "image_shape"),
        ({"image_shape": [4, 8, 8]}, "image_shape.0"),
        ({"generator_slope": 1.5}, "generator_slope"),
        ({"generator_activation": "swish"}, "generator_activation"),
        ({"discriminator_batch_norm": 1}, "discriminator_batch_norm"),
        (
            {"kind": "dcgan", "image_shape": [1, 8, 16]},
            "images of 16 x 8 pixels must be square",
        ),
        ({"kind": "dcgan", "image_shape": [1, 12, 12], "generator_widths": [8] * 3}, "12 x 12"),
    ],
)
def test_what_params_do_not_allow_is_refused(changes, part):
    content = {**describe("mlp").to_json(), **changes}
    text = message_of(networks.Description.from_json, content)
    assert text.startswith("the network's description does not fit: ")
    assert part in text


def test_a_pickle_for_a_file_of_tensors_is_refused_and_not_run(saved, tmp_path):
    for name in [f"{part}.safetensors" for part in PARTS]:
        trap = tmp_path / f"{name}-sprung"
        with saved.restored():
            (saved.folder / name).write_bytes(pickle.dumps(Trap(trap)) + bytes(9000))
            saved.seal()
            assert saved.use() is None
        assert not trap.exists()


def test_a_pickle_for_checkpoint_json_is_refused_and_not_run(saved, tmp_path):
    with saved.restored():
        (saved.folder / manifest.NAME).write_bytes(pickle.dumps(Trap(tmp_path / "sprung")))
        assert saved.use() is None
    assert not (tmp_path / "sprung").exists()
