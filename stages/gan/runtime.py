"""How MindSpore's threads share the processor."""

import os

_SWITCH = "MS_DEV_HOST_BLOCKING_RUN"


def wait_without_spinning() -> None:
    """Let the main thread sleep while MindSpore's own threads compute.

    By default the main thread waits for a result in a loop that never sleeps
    (AsyncRQueue::Wait, behind Tensor.asnumpy), and so takes a core from the kernels: on 2
    cores a step of the MLP GAN takes 88 ms instead of 25. With MindSpore's own switch it hands
    the graph over and sleeps until it has run. No result depends on it.

    To be called before MindSpore's first operator, as the switch is read once. A setting of
    the user's is kept.
    """
    os.environ.setdefault(_SWITCH, "1")
