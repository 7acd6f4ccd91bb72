"""Twelve ways to fail, each injected into the real trainer; what stands in the run must name it."""

import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from server import causes
from terms.told import told
from tests.app.programs import ROOT, runs
from tests.app.test_trial import command
from tests.server.real_server import RunningServer

PROJECT = "causes"
AT_ONCE = 3

CALLBACKS = """
import os, signal, time
import keras, tensorflow as tf

class Injected(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        exec(os.environ["INJECT"])

def callbacks(config, run):
    return [Injected()]
"""

GPU_MEMORY = "OOM when allocating tensor with shape[65536,65536] on /device:GPU:0"


@dataclass(frozen=True)
class Fault:
    """What happens in the first epoch, and what must be known of it afterwards."""

    inject: str
    code: int
    cause: str
    kind: str
    arguments: tuple[str, ...] = ()
    variables: dict[str, str] = field(default_factory=dict)


FAULTS = {
    "exception": Fault("raise ValueError('no such layer')", 1, "ValueError: no such layer", causes.EXCEPTION),
    "import error": Fault(
        "import no_such_package", 1, "ModuleNotFoundError: No module named 'no_such_package'", causes.EXCEPTION
    ),
    "wrong value": Fault("", 2, "`layer1_size` is 0. Allowed: .*", causes.WRONG_CONFIGURATION, ("--layer1_size=0",)),
    "data missing": Fault(
        "", 66, "Fashion-MNIST was not found .*", causes.DATA_MISSING, variables={"FASHION_MNIST_DIR": "/nowhere"}
    ),
    "SIGKILL": Fault("os.kill(os.getpid(), signal.SIGKILL)", 137, "killed by SIGKILL", causes.SIGNAL),
    "SIGSEGV": Fault("os.kill(os.getpid(), signal.SIGSEGV)", 139, r"segmentation fault \(SIGSEGV\)", causes.SIGNAL),
    "host memory": Fault("bytearray(2**60)", 1, "MemoryError:.*", causes.HOST_MEMORY),
    "GPU memory": Fault(
        f"raise tf.errors.ResourceExhaustedError(None, None, '{GPU_MEMORY}')",
        1,
        "ResourceExhaustedError: .*",
        causes.GPU_MEMORY,
    ),
    "NaN": Fault(
        "self.model.set_weights([weights * float('nan') for weights in self.model.get_weights()])",
        1,
        "NaN metric: loss is nan in epoch 1",
        causes.NAN_METRIC,
    ),
    "no space": Fault(
        "open('/dev/full', 'wb').write(bytes(10**6))",
        1,
        r"OSError: \[Errno 28\] No space left on device",
        causes.NO_SPACE,
    ),
    "no progress": Fault(
        "time.sleep(99)", 137, "no progress for 0.1 min: .*", causes.NO_PROGRESS, variables={"NO_PROGRESS_MIN": "0.1"}
    ),
    "SIGTERM": Fault(
        "signal.signal(signal.SIGTERM, signal.SIG_DFL); os.kill(os.getpid(), signal.SIGTERM)",
        143,
        "killed by SIGTERM",
        causes.SIGNAL,
    ),
}


@pytest.fixture(scope="module")
def failed(
    tmp_path_factory: pytest.TempPathFactory,
    warm_environment: dict[str, str],
    fewer_images: Path,
    server: RunningServer,
) -> dict[str, tuple[int, Any]]:
    """Exit code and run of each of `FAULTS`."""
    folder = tmp_path_factory.mktemp("causes")
    shutil.copytree(ROOT / "app", folder / "app")
    (folder / "app" / "callbacks.py").write_text(CALLBACKS)
    (folder / "fashion-mnist").symlink_to(fewer_images)
    (folder / "elsewhere").mkdir()
    common = {"DATA_DIR": str(folder), "WANDB_PROJECT": PROJECT}
    environment = server.env(folder) | warm_environment | common

    def fail(name: str) -> int:
        fault = FAULTS[name]
        own = {"INJECT": fault.inject, "WANDB_RUN_ID": name.replace(" ", "-"), **fault.variables}
        if "FASHION_MNIST_DIR" in own:
            own["DATA_DIR"] = str(folder / "elsewhere")
        trainer = command("-m", "app.train", "--epochs=1", *fault.arguments)
        return subprocess.run(trainer, env=environment | own, cwd=folder, capture_output=True).returncode

    with ThreadPoolExecutor(AT_ONCE) as pool:
        codes = dict(zip(FAULTS, pool.map(fail, FAULTS), strict=True))
    found = {run.id: run for run in runs(server, PROJECT)}
    return {name: (code, found[name.replace(" ", "-")]) for name, code in codes.items()}


@pytest.mark.slow
@pytest.mark.parametrize("name", FAULTS)
def test_the_run_names_the_fault_that_was_injected(failed: dict[str, tuple[int, Any]], name: str) -> None:
    fault, (code, run) = FAULTS[name], failed[name]

    assert code == fault.code
    assert re.fullmatch(fault.cause, told(run.summary_metrics)["cause"])
    assert told(run.summary_metrics)["cause_kind"] == fault.kind
    assert run.state == "failed"
