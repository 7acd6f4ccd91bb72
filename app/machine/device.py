"""What a trial computes on: how many threads, how much of a GPU; decided before TensorFlow starts its runtime."""

import platform
from collections.abc import Callable, Mapping, MutableMapping
from importlib import metadata
from pathlib import Path
from typing import Any

from app.machine import capacity, compile_cache, gpu_slots
from app.machine.gpu_slots import TRAINER, Lease
from app.settings import Settings

POOLS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")

# XLA's own way to results that repeat; with TensorFlow's way, Keras refuses XLA.
XLA_DETERMINISM = "--xla_gpu_deterministic_ops=true"

# A process keeps its GPU: CUDA has started on it, and cannot be moved to another.
_held: list[Lease | None] = []  # None is one that its cluster has given to it


def configure(environ: MutableMapping[str, str]) -> None:
    """Sets what libraries read when they are imported, in trials and in what starts them; what is set already stays."""
    environ.setdefault("OMP_NUM_THREADS", "1")  # NumPy's; TensorFlow has pools of its own
    # Without it the first trial takes a whole GPU, or its whole share of one, whatever it needs.
    environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    # Where the image for GPUs finds none, TensorFlow would tell of an error in every trial.
    environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3" if missing_gpu(environ) else "2")


def acquire(
    settings: Settings,
    environ: MutableMapping[str, str],
    most_threads: int | None = None,
    *,
    between: Callable[[], None] = lambda: None,
    root: Path = Path("/"),
) -> None:
    """Takes a trial's share of the machine, for the life of the process. Before TensorFlow starts its runtime.

    Where there are GPUs, it waits for a slot of one, unless a cluster has given them to it alone: to a job of a single
    agent. Those of a job with several are shared out among these.

    Args:
        settings: threads, agents, gpu_slots, gpu_slots_dir, gpu_memory_mib, xla, deterministic.
        environ: this process's own, which gets what is taken.
        most_threads: more than these do the model no good; None if it has use for all.
        between: called once a second while it waits.
        root: where /dev and /proc are.
    """
    configure(environ)
    count = threads(settings, capacity.measure(root).cores, most_threads)
    for pool in POOLS:
        environ.setdefault(pool, str(count))
    gpus = gpu_slots.find(environ, root) if not _held else []
    if settings.xla and not gpus and not _held:
        compile_cache.prepare(environ)
    if not gpus:
        return
    if settings.xla and settings.deterministic:
        environ["XLA_FLAGS"] = f"{environ.get('XLA_FLAGS', '')} {XLA_DETERMINISM}".strip()
    if gpu_slots.given_out(environ) and (settings.agents or 1) == 1:
        _hold(None, settings.gpu_memory_mib)
        return
    lease = gpu_slots.lease(settings.gpu_slots_dir, gpus, settings.gpu_slots, between=between)
    lease.apply(environ)
    _hold(lease, lease.memory_mib(settings.gpu_slots, settings.gpu_memory_mib))


def _hold(lease: Lease | None, limit_mib: int | None) -> None:
    import tensorflow as tf

    usable = tf.config.list_physical_devices("GPU")
    if not usable:
        if lease:
            lease.close()
        print("TensorFlow cannot use the GPU that is here: this trial runs on the CPU.")
        return
    _held.append(lease)
    if limit_mib is None:
        return
    try:
        tf.config.set_logical_device_configuration(
            usable[0], [tf.config.LogicalDeviceConfiguration(memory_limit=limit_mib)]
        )
    except RuntimeError as error:  # in a notebook that has used TensorFlow already
        print(f"This trial's GPU memory is not limited: {error}.")


def threads(settings: Settings, cores: int, most: int | None = None) -> int:
    """How many threads TensorFlow gets in each pool: as set, else the trial's share of the cores.

    Args:
        cores: that all agents on this machine may use together.
        most: more than these do the model no good; None if it has use for all.
    """
    share = max(1, cores // (settings.agents or 1))
    return settings.threads or min(share, most or share)


def op_determinism(settings: Settings) -> bool:
    """Whether a GPU is to be held to TensorFlow's deterministic operations; with XLA=1, XLA sees to it instead."""
    return settings.deterministic and not settings.xla


def compile_choice(model: Any, settings: Settings) -> None:
    """Applies XLA to a compiled Keras model; None leaves it as the model was compiled.

    Keras' own "auto" compiles on GPUs, unless they are held to deterministic operations.
    """
    if settings.xla is not None:
        model.jit_compile = settings.xla


def idle_gpu(environ: Mapping[str, str], root: Path = Path("/")) -> str | None:
    """Says how to use the GPUs of a machine whose sweep runs in the image for CPUs; `root` is where /proc is."""
    if environ.get(TRAINER) != "cpu" or not (root / "proc/driver/nvidia/version").exists():
        return None
    return (
        "NVIDIA's driver is here, but trials run on the CPU. "
        "A line in .env gives them the GPU: COMPOSE_FILE=docker-compose.yml:compose.gpu.yml"
    )


def missing_gpu(environ: Mapping[str, str], root: Path = Path("/")) -> str | None:
    """Says that the image for GPUs finds none; `root` is where /dev is."""
    devices = (root / "dev").glob("nvidia[0-9]*")
    if environ.get(TRAINER) != "gpu" or any(devices) or (root / "dev/dxg").exists():  # dxg: in Windows' Linux
        return None
    return "No GPU is to be seen: trials run on the CPU."


def without_cuda(environ: Mapping[str, str], root: Path = Path("/")) -> str | None:
    """Says that .venv was made for CPUs, as on a login node, and this machine has a GPU; `root` is where /dev is."""
    installed = {name for name in ("tensorflow", "tensorflow_cpu") if _is_installed(name)}
    if installed != {"tensorflow_cpu"} or not gpu_slots.find(environ, root):
        return None
    return (
        "A GPU is here, but the TensorFlow of .venv is that for CPUs: trials run on the CPU. "
        "`make prepare TRAINER=trainer-gpu` installs the other one, on any machine that has a network."
    )


def _is_installed(package: str) -> bool:
    try:
        return bool(metadata.version(package))
    except metadata.PackageNotFoundError:
        return False


def describe(environ: Mapping[str, str]) -> dict[str, Any]:
    """Returns the device's name and its threads per pool, as `acquire` has left them; starts TensorFlow."""
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    names = [tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name) for gpu in gpus]
    return {"device": ", ".join(names) or _cpu_model(), "threads": int(environ.get(POOLS[0], "0"))}


def _cpu_model(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())
