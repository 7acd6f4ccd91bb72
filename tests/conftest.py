"""What every test starts from: an environment that says nothing about W&B or this project."""

import os
import signal
import sys
import threading
from collections.abc import Iterator

import pytest

OURS = (
    *("SWEEP", "NEW", "SWEEP_ID", "AGENTS", "THREADS", "PORT", "DATA_DIR", "SERVER_URL", "ENV_FILE"),
    *("WARM", "XLA", "DETERMINISTIC", "KEEP_WEIGHTS", "CHECKPOINT_S", "STOP_ON_NAN", "NO_PROGRESS_MIN"),
    *("GPU_SLOTS", "GPU_MEMORY_MIB", "AGENT_SILENT_S", "RUN_MISSING_S", "RUN_ORPHAN_S"),
    "MAKEFLAGS",
)

for name in [name for name in os.environ if name.startswith("WANDB_") or name in OURS]:
    del os.environ[name]

# A shell's `&` and nohup leave these ignored, and what the tests start would inherit that.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

# On a busy machine small matrices take ten times as long on two threads as on one; numpy reads this when it loads.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

LEAVE_S = 30


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(exitstatus: int) -> None:
    """Ends the process even if W&B's client waits for its service for ever, as rarely it does (0.31.0, `app.train`)."""

    def leave() -> None:
        sys.stdout.flush()
        os._exit(exitstatus)

    last = threading.Timer(LEAVE_S, leave)
    last.daemon = True
    last.start()


@pytest.fixture(autouse=True)
def untouched_environment() -> Iterator[None]:
    """What runs in the tests' own process sets variables too: a trial its threads, W&B's client its service's address.

    A program that a later test starts must not find them; with that address it would join the service of the tests.
    """
    os.environ.pop("WANDB_SERVICE", None)
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)
