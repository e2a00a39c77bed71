"""Writes and runs networks as MindIR files: MindSpore's own format, which needs no other code.

MindSpore writes the time, the address of an object, counters of the process, and tables in random
order into each file. `in_order` removes or sorts them, so that the same network gives the same
bytes.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import mindspore as ms
import numpy as np
from mindspore import Tensor, nn
from mindspore.train import mind_ir_pb2
from numpy.typing import NDArray

from stages.gan.common.errors import UserError
from stages.gan.common.language import _


def write(file: Path, network: nn.Cell, shape: Sequence[int]) -> None:
    """Write a network of MindSpore's own operators.

    Parameters
    ----------
    file : Path
        Its name ends in .mindir.
    network : nn.Cell
        In evaluation mode.
    shape : sequence of int
        Shape of the input without its first axis, which may have any length.

    Raises
    ------
    UserError
        If the network is too large for one file.
    """
    network.set_train(False)
    target = file.absolute()
    with _plain_path(file) as scratch:
        taken = Tensor(shape=[None, *shape], dtype=ms.float32)
        ms.export(network, taken, file_name=str(scratch), file_format="MINDIR")
        if not scratch.is_file():
            raise UserError(
                _("{file}: the network is too large for one file of MindIR").format(file=file)
            )
        target.write_bytes(in_order(scratch.read_bytes(), file.stem))


def run(file: Path, *batches: NDArray[np.float32]) -> list[list[NDArray[np.float32]]]:
    """Load a file once, and return all its outputs for each batch, in order."""
    content = file.read_bytes()
    with _plain_path(file) as scratch:
        scratch.write_bytes(content)
        network = nn.GraphCell(ms.load(str(scratch)))
    found = []
    for batch in batches:
        outputs = network(Tensor(np.ascontiguousarray(batch)))
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        found.append([output.asnumpy() for output in outputs])
    return found


@contextmanager
def _plain_path(file: Path) -> Iterator[Path]:
    """A path of the same name in a new folder, removed afterwards; MindSpore takes only ASCII.

    A data set may have a Chinese name. If even the folder for temporary files has no plain name,
    MindSpore is given a path from within it.
    """
    with TemporaryDirectory(prefix="export-") as folder:
        if folder.isascii():
            yield Path(folder) / file.name
            return
        before = Path.cwd()
        os.chdir(folder)
        try:
            yield Path(file.name)
        finally:
            os.chdir(before)


def in_order(content: bytes, name: str) -> bytes:
    """A file's content without the traces of the process that wrote it.

    The graph gets the name `name`, and its parameters keep their names. Every other value gets a
    number, in the order in which the values first occur.
    """
    model = mind_ir_pb2.ModelProto.FromString(content)
    graph = model.graph
    names = {parameter.name: f"{name}:{parameter.ref_key}" for parameter in graph.parameter}
    names |= {one.name: f"{name}:input_{number}" for number, one in enumerate(graph.input)}

    def renamed(old: str) -> str:
        return names.setdefault(old, f"{name}:{len(names)}")

    graph.name = name
    del graph.attribute[:]  # how it was compiled, with the time and an address
    for node in graph.node:
        node.input[:] = map(renamed, node.input)
        node.output[:] = map(renamed, node.output)
        node.name = renamed(node.name)
        node.domain = ""  # its scope, in words
        del node.node_attr[:]
    for one in (*graph.parameter, *graph.input, *graph.output):
        one.name = renamed(one.name)
    for primitive in model.primitives:
        _sort(primitive.attribute)
    _sort(model.primitives)
    return model.SerializeToString(deterministic=True)


def _sort(messages: Any) -> None:
    ordered = sorted(messages, key=lambda message: message.name)
    copies = [type(message).FromString(message.SerializeToString()) for message in ordered]
    del messages[:]
    messages.extend(copies)
