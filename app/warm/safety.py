"""What the warm server refuses, and why: what could differ from a plain process, or could not be forked safely."""

import os
import runpy
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

# Read while the modules are imported (traced: os.environ and the C library's getenv), and so the same for all trials.
READ_AT_IMPORT = (
    *("PYTHON", "LC_", "LD_", "MALLOC_", "TF_", "TF2_", "KERAS_", "GCS_", "GRPC_", "HDF5_", "OPENSSL_", "ABSL_"),
    *("OMP_", "OPENBLAS_", "GOTO_", "MKL_", "KMP_", "NPY_", "NUMPY_", "SCIPY_", "PROTOCOL_BUFFERS_", "PYDANTIC_"),
    *("PILLOW_", "WRAPT_", "WANDB_INSECURE_DISABLE_SSL", "WANDB_HTTP_TIMEOUT", "WANDB_DISABLE_CACHE"),
    *("WANDB_ONLY_INCLUDE", "WANDB_LAUNCH_START_TIMEOUT"),
)
READ_AT_IMPORT_NAMES = ("LANG", "LANGUAGE", "TZ", "HOME", "TMPDIR", "TEMP", "TMP")

NVIDIA = "/dev/nvidia"

# Private names that hold None until their product does more than being imported.
STARTED = (
    ("TensorFlow", "tensorflow.python.eager.context", "_context"),
    ("W&B's client", "wandb.sdk.wandb_setup", "_singleton"),
)


def refusal(request: Mapping[str, Any], environment: Mapping[str, str]) -> str | None:
    """Says why a trial cannot be forked from this process, or None.

    Args:
        request: as `client` sends it.
        environment: of this process when it imported its modules.
    """
    return (
        _other_python(request)
        or _not_ours_to_run(request["arguments"], request["cwd"])
        or _other_environment(request["environment"], environment)
        or unsafe()
    )


def _other_python(request: Mapping[str, Any]) -> str | None:
    theirs, ours = Path(request["python"]), Path(sys.executable)
    # A virtual environment is known by its folder, and one program there has several names.
    same = theirs.parent == ours.parent and theirs.resolve() == ours.resolve() and request["version"] == sys.version
    return None if same else f"its Python is {theirs}, the warm server's is {ours}"


def _not_ours_to_run(arguments: Sequence[str], cwd: str) -> str | None:
    if arguments[:1] in (["-m"], ["-c"]) and len(arguments) > 1:
        return None
    if arguments and arguments[0].endswith(".py") and Path(cwd, arguments[0]).is_file():
        return None
    return f"only -m, -c and .py files start warm, not {arguments[0]}" if arguments else "there is no program"


def _other_environment(theirs: Mapping[str, str], ours: Mapping[str, str]) -> str | None:
    for name in sorted({*theirs, *ours}):
        if theirs.get(name) != ours.get(name) and (name.startswith(READ_AT_IMPORT) or name in READ_AT_IMPORT_NAMES):
            return f"its {name} is {theirs.get(name)!r}, the warm server's is {ours.get(name)!r}"
    return None


def unsafe(descriptors: Path = Path("/proc/self/fd"), threads: Path = Path("/proc/self/task")) -> str | None:
    """Says why this process, with its modules imported, cannot be forked safely, or None.

    Args:
        descriptors: a folder of links, one for each open file.
        threads: a folder with an entry for each thread.
    """
    if not hasattr(runpy, "_run_module_as_main"):
        return "runpy._run_module_as_main is gone from this Python"
    for product, module, name in STARTED:
        if not hasattr(sys.modules.get(module), name):
            return f"{module}.{name} is gone, which tells whether {product} has started"
        if getattr(sys.modules[module], name) is not None:
            return f"{product} has started in the warm server"
    if any(_target(each).startswith(NVIDIA) for each in descriptors.iterdir()):
        return "the warm server holds a GPU"
    count = sum(1 for _ in threads.iterdir())
    return None if count == 1 else f"the warm server has {count} threads; OPENBLAS_NUM_THREADS=1 may be missing"


def _target(link: Path) -> str:
    try:
        return os.readlink(link)
    except OSError:  # it was this listing's own
        return ""
