"""The environment of every test: the same on any machine, whatever its shell, its editor or its scheduler exports."""

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

# Where this machine has its programs, its libraries, room for files and the data, and which of its GPUs are ours.
KEPT = ("PATH", "LD_LIBRARY_PATH", "TMPDIR", "FASHION_MNIST_DIR", "CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES")
KEPT_FOR_IMAGES = ("BASE_IMAGE", "COMPOSE", "DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CERT_PATH", "DOCKER_TLS_VERIFY")
KEPT_FOR_COVERAGE = ("COVERAGE_FILE", "COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG")
# Debian's folders of daemons, of iptables and of Slurm: not every shell of root has them in its PATH.
DAEMONS = ("/usr/sbin", "/sbin")
WORKER = "PYTEST_XDIST_WORKER"
KEPT_BY_WORKERS = (
    *("TESTS_WARM_SOCKET", "TESTS_APP_SOCKET", "TESTS_CLIENT_SOCKET", "TESTS_SERVER_SOCKET"),
    *(WORKER, f"{WORKER}_COUNT", "PYTEST_XDIST_TESTRUNUID", "HOME", "DOCKER_CONFIG"),
)

KNOWN = {
    "LANG": "C.UTF-8",
    "TERM": "xterm-256color",
    "TZ": "UTC",
    # On a busy machine small matrices take ten times as long on two threads as on one; numpy reads this when it loads.
    "OPENBLAS_NUM_THREADS": "1",
}

# What the tests were started from: for programs that fetch something from a network, and for no others.
shell = dict(os.environ)


def enter() -> None:
    """Replaces what this process and all that it starts find in their environment; the home is new and empty.

    A worker of pytest-xdist shares the home of the process that started it.
    """
    names = (*KEPT, *KEPT_FOR_IMAGES, *KEPT_FOR_COVERAGE, *(KEPT_BY_WORKERS if is_worker() else ()))
    kept = {name: shell[name] for name in names if name in shell}
    if "PATH" in kept:
        kept["PATH"] = os.pathsep.join(dict.fromkeys([*kept["PATH"].split(os.pathsep), *DAEMONS]))
    own = {} if is_worker() else {"HOME": str(_new_home(shell)), "DOCKER_CONFIG": _docker(shell)}
    os.environ.clear()
    os.environ.update(kept | KNOWN | own)
    sys.dont_write_bytecode = False  # PYTHONDONTWRITEBYTECODE of the shell; each worker would compile every test anew
    _forget_the_terminals_size()
    time.tzset()


def leave() -> None:
    """Removes the home."""
    if not is_worker():
        shutil.rmtree(os.environ["HOME"], ignore_errors=True)


def _forget_the_terminals_size() -> None:
    """GNU readline exports it when it is loaded, past `os.environ`, to all that is started from then on."""
    with suppress(ImportError):
        import readline  # noqa: F401
    for name in ("LINES", "COLUMNS"):
        os.unsetenv(name)


def is_worker() -> bool:
    return WORKER in os.environ


def _new_home(environ: Mapping[str, str]) -> Path:
    """Holds nothing but the data sets that Keras has fetched already."""
    home = Path(tempfile.mkdtemp(prefix="tests-home-"))
    fetched = Path(environ.get("KERAS_HOME") or Path(environ.get("HOME", "/"), ".keras"), "datasets")
    if fetched.is_dir():
        (home / ".keras").mkdir()
        (home / ".keras" / "datasets").symlink_to(fetched)
    return home


def _docker(environ: Mapping[str, str]) -> str:
    """Where Docker's client has its settings and its Compose: in the home that is left behind."""
    return environ.get("DOCKER_CONFIG") or str(Path(environ.get("HOME", "/"), ".docker"))
