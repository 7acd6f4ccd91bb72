"""What a trial computes on: how many threads, how much of a GPU; decided before TensorFlow starts."""

import os
import platform
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any

TRAINER = "TRAINER"  # set in images: "cpu" or "gpu"

POOLS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")


def configure(environ: MutableMapping[str, str] = os.environ) -> None:
    """Sets what TensorFlow reads when it starts; what is set already stays.

    Args:
        environ: THREADS, the threads of each pool, default 1. More pay only for large models and few trials at once:
            for these small ones a second thread costs up to twice the CPU time and saves none.
    """
    for pool in POOLS:
        environ.setdefault(pool, environ.get("THREADS") or "1")
    # Without it the first trial takes a whole GPU and the second one fails.
    environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    # Where the image for GPUs finds none, TensorFlow would tell of an error in every trial.
    environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3" if missing_gpu(environ) else "2")


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


def describe() -> dict[str, Any]:
    """Returns the device's name and its threads per pool; starts TensorFlow."""
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    names = [tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name) for gpu in gpus]
    return {"device": ", ".join(names) or _cpu_model(), "threads": int(os.environ.get(POOLS[0], "0"))}


def _cpu_model(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())
