"""Checks on a machine with an NVIDIA GPU what this project takes for true of GPUs: a line for each, with what was seen.

    python -m benchmarks.gpu_checks

Each check is a process of its own, since a process has one CUDA runtime for its life. Where there is no GPU, every line
says that it was not run.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from app import settings
from app.config import TrialConfig
from app.machine import device, gpu_slots

ROWS = 50_000
LIMIT_S = 600

MPS = "nvidia-cuda-mps-control"
TF32_SINCE = (8, 0)  # compute capability

# Whether it holds, None if that could not be tried, and what was seen.
Seen = tuple[bool | None, str]


def acquire(**variables: str) -> None:
    """Takes a GPU as a trial does; its slots are this process's own."""
    with tempfile.TemporaryDirectory() as folder:
        device.acquire(settings.read({**os.environ, "DATA_DIR": folder, **variables}, {}), os.environ)


def trained(policy: str = "float32", **variables: str) -> tuple[float, str]:
    """Trains the example on noise and returns the seconds of its second epoch and its weights' hash.

    Args:
        policy: Keras' name for the numbers that are computed with.
        variables: settings.
    """
    acquire(**variables)
    import keras

    from app import model
    from app.training import fit, reproduce, weights

    chosen = settings.read({**os.environ, **variables}, {})
    reproduce.seed(0, device.op_determinism(chosen))
    keras.mixed_precision.set_global_policy(policy)  # only now: `seed` takes it back
    network = model.build(TrialConfig())
    device.compile_choice(network, chosen)
    random = np.random.default_rng(0)
    part = (random.integers(0, 256, (ROWS, 28, 28), np.uint8), random.integers(0, 10, ROWS, np.int32))
    ends: list[float] = []
    note = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: ends.append(time.monotonic()))
    few = (part[0][:1000], part[1][:1000])
    fit.fit(network, part, few, batch_size=32, epochs=2, seed=0, callbacks=[note])
    return ends[1] - ends[0], weights.sha256(network)


def in_other_processes(name: str, count: int, environment: Mapping[str, str] = os.environ) -> list[str]:
    """What that many processes at once print last, each running one of the functions below."""
    command = [sys.executable, "-m", "benchmarks.gpu_checks", name]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) for _ in range(count)]
    outputs = [process.communicate(timeout=LIMIT_S)[0] for process in processes]
    return [(output.splitlines() or ["nothing"])[-1] for output in outputs]


def slowest_s(name: str, count: int = 1, environment: Mapping[str, str] = os.environ) -> float:
    """Seconds of an epoch in the slowest of that many trainings at once."""
    return max(float(line.split()[1]) for line in in_other_processes(name, count, environment))


def used_mib() -> int:
    query = ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits"]
    return sum(map(int, subprocess.run(query, capture_output=True, text=True, check=True).stdout.split()))


def memory_grows() -> Seen:
    """a trial takes the memory that it needs, not the whole GPU"""
    before = used_mib()
    acquire(GPU_SLOTS="1")
    import tensorflow as tf

    float(tf.reduce_sum(tf.ones((1000, 1000))))
    taken = used_mib() - before
    return taken < 2000, f"{taken} MiB"


def memory_is_capped() -> Seen:
    """a trial that asks for more than its limit fails by itself"""
    acquire(GPU_MEMORY_MIB="1024")
    import tensorflow as tf

    try:
        tf.ones((1024, 1024, 512))  # 2 GiB
    except tf.errors.ResourceExhaustedError as error:
        return True, type(error).__name__
    return False, "2 GiB were given"


def two_trials_share() -> Seen:
    """two trials train on one GPU at once"""
    seen = in_other_processes("_train", 2)
    return all(line.startswith("trained") for line in seen), "; ".join(seen)


def fork_before_cuda() -> Seen:
    """a child of a process that has only imported TensorFlow can use the GPU"""
    import tensorflow as tf

    def found() -> object:
        acquire()
        return tf.config.list_physical_devices("GPU")

    return _forked(found)


def fork_after_cuda() -> Seen:
    """a child of a process that has used the GPU cannot"""
    import tensorflow as tf

    tf.ones(1).numpy()
    works, what = _forked(lambda: float(tf.reduce_sum(tf.ones(3))) == 3)
    return not works, what


def _forked(work: Callable[[], Any]) -> Seen:
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if work() else 1)
        except BaseException:
            os._exit(2)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return code == 0, f"exit code {code}"


def results_repeat() -> Seen:
    """the same seed gives the same weights with DETERMINISTIC=1"""
    first, second = (in_other_processes("_train", 1)[0].split()[-1] for _ in range(2))
    return first == second, f"{first[:12]} {second[:12]}"


def results_repeat_with_xla() -> Seen:
    """the same with XLA=1"""
    first, second = (in_other_processes("_train_xla", 1)[0].split()[-1] for _ in range(2))
    return first == second, f"{first[:12]} {second[:12]}"


def xla_is_faster() -> Seen:
    """an epoch of the example is faster with XLA"""
    graph, xla = slowest_s("_train_free"), slowest_s("_train_xla_free")
    return xla < graph, f"{xla:.2f} s, without {graph:.2f} s"


def determinism_costs() -> Seen:
    """DETERMINISTIC=1 costs less than twice the time"""
    free, held = slowest_s("_train_free"), slowest_s("_train")
    return held < 2 * free, f"{held:.2f} s, without {free:.2f} s"


def mixed_precision_gains_nothing() -> Seen:
    """an epoch of the example is not a tenth faster in mixed precision"""
    full, mixed = slowest_s("_train_free"), slowest_s("_train_mixed")
    return mixed > 0.9 * full, f"{mixed:.2f} s, in float32 {full:.2f} s"


def tf32_rounds() -> Seen:
    """matrix products are rounded to TF32 from compute capability 8 on, unless TensorFlow is told not to"""
    acquire()
    import tensorflow as tf

    capability = tf.config.experimental.get_device_details(tf.config.list_physical_devices("GPU")[0])[
        "compute_capability"
    ]
    a, b = np.random.default_rng(0).standard_normal((2, 1000, 1000), np.float32)
    exact = a.astype(np.float64) @ b

    def error() -> float:
        return float(np.abs(tf.matmul(a, b).numpy() - exact).max() / np.abs(exact).max())

    by_default = error()
    tf.config.experimental.enable_tensor_float_32_execution(False)
    told_not_to = error()
    rounded = by_default > 10 * told_not_to
    return rounded == (capability >= TF32_SINCE), f"error {by_default:.0e}, told not to {told_not_to:.0e}"


def mps_helps() -> Seen:
    """two trials at once are faster with NVIDIA's MPS"""
    if not shutil.which(MPS):
        return None, f"no {MPS}"
    without = slowest_s("_train_free", 2)
    with mps() as environment:
        shared = slowest_s("_train_free", 2, environment)
    return shared < without, f"{shared:.2f} s an epoch, without {without:.2f} s"


@contextmanager
def mps() -> Iterator[Mapping[str, str]]:
    """Runs an MPS daemon of its own, and gives the environment of processes that use it."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "CUDA_MPS_PIPE_DIRECTORY": folder, "CUDA_MPS_LOG_DIRECTORY": folder}
        subprocess.run([MPS, "-d"], env=environment, check=True)
        try:
            yield environment
        finally:
            subprocess.run([MPS], input="quit\n", text=True, env=environment, check=True)


TRAININGS = {
    "_train": {"XLA": "0"},
    "_train_free": {"XLA": "0", "DETERMINISTIC": "0"},
    "_train_xla": {"XLA": "1"},
    "_train_xla_free": {"XLA": "1", "DETERMINISTIC": "0"},
    "_train_mixed": {"XLA": "0", "DETERMINISTIC": "0", "policy": "mixed_float16"},
}
CHECKS: dict[str, Callable[[], Seen]] = {
    each.__name__: each
    for each in (
        *(memory_grows, memory_is_capped, two_trials_share, fork_before_cuda, fork_after_cuda),
        *(results_repeat, results_repeat_with_xla, xla_is_faster, determinism_costs),
        *(mixed_precision_gains_nothing, tf32_rounds, mps_helps),
    )
}


def main(arguments: list[str]) -> int:
    """Runs all checks, or one of them in this process; returns 1 if something is not as said."""
    if arguments:
        (name,) = arguments
        if name in TRAININGS:
            seconds, weights = trained(**TRAININGS[name])
            print(f"trained {seconds:.3f} {weights}")
            return 0
        holds, seen = CHECKS[name]()
        said = f"not run, {seen}" if holds is None else "holds" if holds else "FAILS"
        print(f"{said}: {CHECKS[name].__doc__}{'' if holds is None else f' ({seen})'}")
        return 0
    there = gpu_slots.find(os.environ)
    lines = [
        in_other_processes(name, 1)[0] if there else f"not run, no GPU: {check.__doc__}"
        for name, check in CHECKS.items()
    ]
    print("\n".join(lines))
    return 0 if all(line.startswith(("holds", "not run")) for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
