import json
import os
import subprocess
import sys

import pytest
from threadpoolctl import threadpool_info

from stages.gan.common import runtime
from tests.helpers.processes.cores import answers, needs_pretence
from tests.helpers.project import ROOT

SWITCH = "MS_DEV_HOST_BLOCKING_RUN"


def run_without_switch(*arguments: str) -> str:
    """What Python prints in an environment that does not set the switch."""
    environment = {key: value for key, value in os.environ.items() if key != SWITCH}
    environment["PYTHONPATH"] = f"{ROOT}"
    return subprocess.run(
        [sys.executable, *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=300,
    ).stdout


def test_the_switch_is_set(monkeypatch):
    monkeypatch.setenv(SWITCH, "")  # so that what is set here is taken back
    monkeypatch.delenv(SWITCH)
    runtime.wait_without_spinning()
    assert os.environ[SWITCH] == "1"


def test_the_users_own_value_is_kept(monkeypatch):
    monkeypatch.setenv(SWITCH, "0")
    runtime.wait_without_spinning()
    assert os.environ[SWITCH] == "0"


def test_commands_set_it_before_mindspore_is_imported():
    code = (
        f"import os, sys, stages.command; print('mindspore' in sys.modules, os.environ['{SWITCH}'])"
    )
    assert run_without_switch("-c", code).split() == ["False", "1"]


def blas_threads():
    return {one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"}


def test_every_blas_has_one_thread_for_the_block_only():
    before = blas_threads()
    with runtime.one_blas_thread():
        assert blas_threads() == {1}
    assert blas_threads() == before


def test_threads_can_be_bounded_again():
    import mindspore as ms

    runtime.bound_threads()
    runtime.bound_threads()
    runtime_settings = ms.device_context.cpu.op_tuning.RuntimeConf.get_instance()
    assert runtime_settings.is_op_threads_num_configured()


def test_bounding_threads_imports_nothing():
    code = "import sys; from stages import command; command.guarded(lambda: print(*sys.modules))"
    assert "mindspore" not in run_without_switch("-c", code).split()


# Products of the shipped MLP GAN, its judge and the DCGAN, whose inner dimension three threads or
# more would share out. MindSpore decides by the sizes, so they are the real ones.
PRODUCTS = """
import hashlib
import numpy as np
from mindspore import Tensor, ops
from stages import command
command.guarded(lambda: None)
draw = np.random.default_rng(0)

def values(*shape):
    return Tensor(draw.normal(size=shape).astype(np.float32))

for rows, inputs, outputs in (
    (128, 784, 512), (128, 512, 1024), (128, 1024, 784), (128, 2352, 64), (64, 100, 8192),
):
    x, weight, gradient = values(rows, inputs), values(outputs, inputs), values(rows, outputs)
    for result in (
        ops.MatMul(transpose_b=True)(x, weight),
        ops.MatMul()(gradient, weight),
        ops.MatMul(transpose_a=True)(gradient, x),
    ):
        print(hashlib.sha256(result.asnumpy()).hexdigest())
for rows, inputs, outputs in ((128, 1024, 512), (2048, 256, 128), (1568, 96, 48)):
    x, weight = values(9, rows, inputs), values(9, inputs, outputs)
    gradient = values(9, rows, outputs)
    for result in (
        ops.BatchMatMul()(x, weight),
        ops.BatchMatMul(transpose_b=True)(gradient, weight),
        ops.BatchMatMul(transpose_a=True)(x, gradient),
    ):
        print(hashlib.sha256(result.asnumpy()).hexdigest())
"""


@needs_pretence
@pytest.mark.usefixtures("all_cores")
def test_matrix_products_have_the_bits_of_two_cores_on_any_more(tmp_path):
    environment = {"PYTHONPATH": str(ROOT)}
    two, three, eight = (answers(tmp_path, PRODUCTS, n, **environment) for n in (2, 3, 8))
    assert len(two.split()) == 3 * 8
    assert two == three
    assert two == eight


STEPS = """
import json, time
import stages.command
import numpy as np
from mindspore import Tensor
from tests.helpers.training.network import describe
from stages.gan import losses, networks
from stages.gan.training.optimizers import adam
from stages.gan.training.step import make_step

pair = networks.build(
    describe("mlp", generator_widths=(512, 1024, 1024), discriminator_widths=(1024, 512))
)
names = ("generator", "discriminator")
optimizers = [adam(*named, 2e-4, 0.5, 0.999) for named in zip(pair, names)]
step = make_step(*pair, losses.build("bce"), *optimizers)
draw = np.random.default_rng(0)
real = Tensor(draw.standard_normal((128, 1, 8, 8)).astype(np.float32))
z = Tensor(draw.standard_normal((128, 6)).astype(np.float32))

def run(steps):
    for _ in range(steps):
        [value.asnumpy() for value in step(real, z)]
    return time.perf_counter(), time.thread_time(), time.process_time()

print(json.dumps([end - start for start, end in zip(run(3), run(20))]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="it was measured on Linux")
def test_the_main_thread_sleeps_while_a_step_runs(tmp_path):
    script = tmp_path / "steps.py"  # in a file, as MindSpore reads the source of what it compiles
    script.write_text(STEPS)
    wall, main_thread, all_threads = json.loads(run_without_switch(str(script)))
    assert main_thread < wall / 2
    # On a busy machine a spinning thread does not get half of the time either, but it still
    # gets as much as a computing one (measured on 2 cores: half of all without the switch).
    assert main_thread < all_threads / 4


def test_cores_are_those_that_this_process_may_use(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 3, 5}, raising=False)
    assert runtime.usable_cores() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    assert runtime.usable_cores() == os.cpu_count()


FAILS = """
import stages.command
import mindspore as ms

@ms.jit
def compiled(x):
    return x.nothing_of_that_name(x)

try:
    compiled(ms.Tensor([1.0]))
except AttributeError:
    print("failed")
"""


def test_a_compilation_that_ends_early_leaves_nothing(tmp_path):
    script = tmp_path / "fails.py"  # in a file, as MindSpore reads the source of what it compiles
    script.write_text(FAILS)
    environment = {key: value for key, value in os.environ.items() if key != "MS_OM_PATH"}
    result = subprocess.run(
        [sys.executable, str(script)],
        cwd=tmp_path,
        env={**environment, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert result.stdout == "failed\n", result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["fails.py"]


TRAINS = """
import stages.command
import mindspore as ms
from mindspore import Tensor, nn

net = nn.Dense(2, 1, weight_init=Tensor([[0.5, 0.5]]), bias_init="zeros")
optimizer = nn.SGD(net.trainable_params(), 0.1)

def loss(x):
    return (net(x) ** 2).mean()

gradient = ms.value_and_grad(loss, None, optimizer.parameters)

@ms.jit
def step(x):
    value, gradients = gradient(x)
    optimizer(gradients)
    return value

print([round(step(Tensor([[1.0, 3.0]])).asnumpy().item(), 4) for _ in range(2)])
"""


def test_the_cache_of_compiled_functions_is_not_used(tmp_path):
    script = tmp_path / "trains.py"  # in a file, as MindSpore reads the source of what it compiles
    script.write_text(TRAINS)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MS_COMPILER_CACHE_ENABLE": "1"}
    losses = [
        subprocess.run(
            [sys.executable, str(script)],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for _ in range(2)
    ]
    assert losses == ["[4.0, 5.76]\n"] * 2
    assert [path.name for path in tmp_path.iterdir()] == ["trains.py"]
