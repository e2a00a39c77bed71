"""Our own code does nothing that a fact of docs/mindspore.md makes wrong: a search of the sources.

`mindspore_check` itself is left out, because it does these things on purpose.
"""

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from tests.helpers.project import ROOT

CHECKS = ROOT / "stages" / "tools" / "mindspore_check"
SOURCES = {
    path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
    for path in sorted((ROOT / "stages").rglob("*.py"))
    if CHECKS not in path.parents
}

# What must not be called, by its last two names, and why.
FORBIDDEN = {
    "ops.selu": "its gradient is wrong below 0",
    "nn.SeLU": "its gradient is wrong below 0",
    "ops.erfinv": "it is wrong near 1: use scipy",
    "ops.var": "its gradient is NaN at constants",
    "ops.std": "its gradient is NaN at constants",
    "ops.norm": "its gradient is NaN at 0",
    "ops.log1p": "it is 0 at small numbers: use NumPy, or ops.softplus",
    "ops.expm1": "it is 0 at small numbers",
    "ops.logsigmoid": "it is 0 above 16: use -ops.softplus(-x)",
    "nn.LogSigmoid": "it is 0 above 16: use -ops.softplus(-x)",
    "ops.tanh": "it is above 1 near 5, and its gradient is 0: use layers.Tanh",
    "nn.Tanh": "it is above 1 near 5, and its gradient is 0: use layers.Tanh",
    "ops.randperm": "it gives one order for ever: use common.randomness",
    "ops.shuffle": "random numbers come from common.randomness",
    "ops.bernoulli": "it ignores the probabilities: use common.randomness",
    "ops.sort": "it is wrong beside a NaN: use NumPy",
    "ops.topk": "it is wrong beside a NaN: use NumPy",
    "ops.clamp": "it hides a NaN",
    "ops.clip_by_value": "it hides a NaN",
    "ops.clip_by_global_norm": "it overflows in float16 and ignores a NaN",
    "ops.pad": "a negative padding gives zeros from the second call on",
    "nn.Momentum": "its Nesterov momentum is plain momentum: use nn.SGD",
    "nn.RMSProp": "its mean square starts at 1: use training.optimizers",
    "nn.AdamWeightDecay": "it has no bias correction: use training.optimizers",
    "nn.Dropout": "exported to MindIR in training mode it stays on",
    "ms.load_checkpoint": "use trained.checkpoints",
    "ms.load_param_into_net": "both networks share memory: use trained.checkpoints",
    "ms.save_checkpoint": "use trained.checkpoints",
    "ms.set_seed": "random numbers come from common.randomness",
}
# What may be called in one module only.
ONLY_IN = {
    "set_data": "stages/gan/common/compiled.py",
    "assign_value": "stages/gan/common/compiled.py",
    "load_state_dict": "stages/gan/common/compiled.py",
    "from_numpy": "stages/gan/common/tensors.py",
}
SET_TOO_LATE = {"learning_rate", "lr", "momentum", "weight_decay", "requires_grad", "data"}
JIT = "stages/gan/common/compiled.py"
# These take a function that is compiled, or differentiated within a compiled one.
TAKE_A_FUNCTION = {"jit", "grad", "value_and_grad", "_OnlyCompiled"}


def uses_mindspore(tree: ast.Module) -> bool:
    return any(name.split(".")[0] == "mindspore" for name in imported(tree))


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def called(tree: ast.AST) -> Iterator[tuple[ast.Call, str]]:
    """All calls, with the last two names of what is called."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield node, ".".join(ast.unparse(node.func).split(".")[-2:])


def compiled_functions(trees: Iterable[ast.Module]) -> list[ast.FunctionDef]:
    """All functions that MindSpore may compile: rather too many than too few.

    They are `construct` and `bprop`, what is passed to jit, grad or value_and_grad, and what these
    call: functions of the same module or imported ones by their name, and methods of any class.
    """
    functions: dict[tuple[int, str], list[ast.FunctionDef]] = {}
    methods: dict[str, list[tuple[int, ast.FunctionDef]]] = {}
    imports: dict[int, set[str]] = {}
    todo: list[tuple[int, ast.FunctionDef]] = []
    modules = list(trees)
    for place, tree in enumerate(modules):
        imports[place] = {name.split(".")[-1] for name in imported(tree)}
        inside = {
            id(part)
            for node in ast.walk(tree)
            if isinstance(node, ast.ClassDef)
            for part in node.body
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and id(node) in inside:
                methods.setdefault(node.name, []).append((place, node))
            elif isinstance(node, ast.FunctionDef):
                functions.setdefault((place, node.name), []).append(node)

    def by_name(place: int, name: str) -> list[tuple[int, ast.FunctionDef]]:
        found = [(place, function) for function in functions.get((place, name), [])]
        if name in imports[place]:
            for (other, theirs), defined in functions.items():
                found += [(other, function) for function in defined if theirs == name]
        return found

    for place, tree in enumerate(modules):
        for call, name in called(tree):
            if name.split(".")[-1] in TAKE_A_FUNCTION and call.args:
                for node in ast.walk(call.args[0]):
                    if isinstance(node, ast.Name):
                        todo += by_name(place, node.id)
    todo += [*methods.get("construct", []), *methods.get("bprop", [])]
    found: dict[int, ast.FunctionDef] = {}
    while todo:
        place, function = todo.pop()
        if id(function) in found:
            continue
        found[id(function)] = function
        for call, _ in called(function):
            if isinstance(call.func, ast.Name):
                todo += by_name(place, call.func.id)
            elif isinstance(call.func, ast.Attribute):
                todo += methods.get(call.func.attr, [])
    return list(found.values())


def changed_in_place(trees: Iterable[ast.Module]) -> list[str]:
    """`x += y` and the like in functions that MindSpore may compile."""
    return [
        f"{function.name}: {ast.unparse(node)}"
        for function in compiled_functions(trees)
        for node in ast.walk(function)
        if isinstance(node, ast.AugAssign)
    ]


def numpy_inside(trees: Iterable[ast.Module]) -> list[str]:
    """Uses of NumPy within a function that MindSpore may compile; np.pi is a Python float.

    Outside jit a NumPy number on the left of a tensor drops that term's gradient.
    """
    return [
        f"{function.name}: {ast.unparse(node)}"
        for function in compiled_functions(trees)
        for node in ast.walk(function)
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "np" and node.attr != "pi"
    ]


def written_into(trees: Iterable[ast.Module]) -> list[str]:
    """`x[...] = y` in what is compiled: outside jit it may change what x was taken from."""
    return [
        f"{function.name}: {ast.unparse(node)}"
        for function in compiled_functions(trees)
        for node in ast.walk(function)
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Subscript) for t in node.targets)
    ]


def formatted(trees: Iterable[ast.Module]) -> list[str]:
    """F-strings with a format in what is compiled: under jit the format is ignored."""
    return [
        f"{function.name}: {ast.unparse(node)}"
        for function in compiled_functions(trees)
        for node in ast.walk(function)
        if isinstance(node, ast.FormattedValue) and (node.format_spec or node.conversion != -1)
    ]


def set_too_late(tree: ast.AST) -> list[str]:
    """Settings of an optimizer or a parameter that MindSpore ignores after the first step."""
    return [
        ast.unparse(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Attribute)
        and target.attr in SET_TOO_LATE
        and ast.unparse(target.value) != "self"
    ]


def in_place_methods(tree: ast.AST) -> list[str]:
    """Calls of methods such as `add_`, which change nothing outside jit."""
    return [
        name
        for node, name in called(tree)
        if isinstance(node.func, ast.Attribute)
        and node.func.attr.endswith("_")
        and not node.func.attr.startswith("_")
    ]


WITH_MINDSPORE = {name: tree for name, tree in SOURCES.items() if uses_mindspore(tree)}


def test_there_is_something_to_search():
    assert "stages/gan/training/step/__init__.py" in WITH_MINDSPORE
    names = {function.name for function in compiled_functions(WITH_MINDSPORE.values())}
    assert {"construct", "bprop", "step", "update", "augment", "penalty", "iterate"} <= names


def test_nothing_is_changed_in_place_in_what_is_compiled():
    """There `x += y` changes gradients, the caller's tensor, or a Parameter."""
    assert changed_in_place(WITH_MINDSPORE.values()) == []


def test_no_numpy_number_takes_part_in_what_is_differentiated():
    assert numpy_inside(WITH_MINDSPORE.values()) == []


def test_nothing_is_written_into_a_tensor_in_what_is_compiled():
    assert written_into(WITH_MINDSPORE.values()) == []


def test_no_text_is_formatted_in_what_is_compiled():
    assert formatted(WITH_MINDSPORE.values()) == []


@pytest.mark.parametrize("name", WITH_MINDSPORE)
def test_no_rate_is_set_and_nothing_is_frozen_later(name):
    assert set_too_late(WITH_MINDSPORE[name]) == []


@pytest.mark.parametrize("name", WITH_MINDSPORE)
def test_no_method_in_place_is_called(name):
    assert in_place_methods(WITH_MINDSPORE[name]) == []


@pytest.mark.parametrize("name", WITH_MINDSPORE)
def test_nothing_is_called_that_is_wrong_on_a_cpu(name):
    wrong = {n: FORBIDDEN[n] for _, n in called(WITH_MINDSPORE[name]) if n in FORBIDDEN}
    assert wrong == {}


@pytest.mark.parametrize("name", SOURCES)
def test_neither_mint_nor_minddata_is_imported(name):
    """mint's optimizers leave the weights as they are; transforms draw one number for all."""
    parts = {part for each in imported(SOURCES[name]) for part in each.split(".")[:2]}
    assert not parts & {"mint", "dataset"} or "mindspore" not in parts


@pytest.mark.parametrize("name", WITH_MINDSPORE)
def test_values_and_tensors_are_made_in_one_place(name):
    for _, each in called(WITH_MINDSPORE[name]):
        last = each.split(".")[-1]
        assert ONLY_IN.get(last, name) == name, f"{each}: only in {ONLY_IN[last]}"
        assert each != "ms.jit" or name == JIT, f"{each}: use stages.gan.common.compiled.jit"


WRONG = """
import mindspore as ms
from mindspore import mint, nn, ops

class Layer(nn.Cell):
    def construct(self, x):
        return self.moved(np.float32(2) * x * np.pi)

    def moved(self, x):
        x += 1
        return x

    def start(self, v):
        v /= 2

def make(network, parameter):
    def loss(x):
        total = network(x)
        total -= 1
        total[0] = 2
        if f"{total.ndim:02d}" == f"{total.ndim}":
            return total
        return total
    parameter.sub_(3)
    parameter.requires_grad = False
    parameter.set_data(ops.selu(parameter))
    return ms.jit(ms.grad(loss))
"""


def test_what_is_wrong_is_found():
    tree = ast.parse(WRONG)
    assert sorted(changed_in_place([tree])) == ["loss: total -= 1", "moved: x += 1"]
    assert numpy_inside([tree]) == ["construct: np.float32"]
    assert written_into([tree]) == ["loss: total[0] = 2"]
    (text,) = formatted([tree])
    assert "total.ndim:02d" in text
    assert set_too_late(tree) == ["parameter.requires_grad = False"]
    assert in_place_methods(tree) == ["parameter.sub_"]
    assert {name for _, name in called(tree)} >= {"ops.selu", "parameter.set_data", "ms.jit"}
    assert "mindspore.mint" in set(imported(tree))


def test_each_name_of_the_list_exists():
    """A name that MindSpore has dropped or moved would guard nothing."""
    import mindspore
    from mindspore import nn, ops

    rooms = {"ms": mindspore, "nn": nn, "ops": ops}
    for name in FORBIDDEN:
        room, _, last = name.partition(".")
        assert hasattr(rooms[room], last), name


def test_the_checks_are_really_left_out():
    assert not [name for name in SOURCES if "mindspore_check" in name]
    assert Path(CHECKS / "training.py").exists()
