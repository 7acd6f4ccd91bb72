"""GPUs are found without CUDA and shared out by slots: nobody takes two, and a dead trial's slot is free."""

import os
import stat
import subprocess
import sys
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from app.machine import gpu_slots, node
from app.machine.gpu_slots import Gpu, SlotError, find, lease
from tests.app.test_trial import ended

A, B = "GPU-aaaaaaaa-0000", "GPU-bbbbbbbb-1111"

# Leases a slot, says which, and holds it until its standard input ends.
HOLDER = """
import sys
from pathlib import Path
from app.machine.gpu_slots import Gpu, lease

say = lambda line: print(line, flush=True)
held = lease(Path(sys.argv[1]), [Gpu(name) for name in sys.argv[3:]], int(sys.argv[2]), say=say)
say(f"{held.gpu.name} {held.slot}")
sys.stdin.read()
"""


class Holder:
    """A process that takes a slot, as a trial does."""

    def __init__(self, folder: Path, slots: int, *gpus: str) -> None:
        command = [sys.executable, "-c", HOLDER, str(folder), str(slots), *gpus]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def says(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()


def test_trials_spread_over_the_gpus_and_the_next_one_waits_for_one_that_dies(tmp_path: Path) -> None:
    holders = [Holder(tmp_path, 2, A, B) for _ in range(4)]
    try:
        taken = sorted(holder.says() for holder in holders)
        late = Holder(tmp_path, 2, A, B)
        holders.append(late)
        waiting = late.says()
        holders[2].kill()
        freed = late.says()
    finally:
        for holder in holders:
            holder.kill()

    assert taken == [f"{A} 0", f"{A} 1", f"{B} 0", f"{B} 1"]
    assert waiting == "Waiting for a GPU: all slots are taken (GPUs: 2, GPU_SLOTS=2)."
    assert freed in taken


def test_the_first_slot_of_each_gpu_is_taken_before_the_second_of_any(tmp_path: Path) -> None:
    with ExitStack() as stack:
        leases = [stack.enter_context(closing(lease(tmp_path, [Gpu(A), Gpu(B)], slots=2))) for _ in range(3)]
        leases[1].close()
        next_one = stack.enter_context(closing(lease(tmp_path, [Gpu(A), Gpu(B)], slots=2)))

    assert [(each.gpu.name, each.slot) for each in leases] == [(A, 0), (B, 0), (A, 1)]
    assert next_one.gpu.name == B


def test_a_trial_that_is_asked_to_end_waits_no_longer(tmp_path: Path) -> None:
    said: list[str] = []

    def between() -> None:
        raise KeyboardInterrupt

    with closing(lease(tmp_path, [Gpu("0")], slots=1)), pytest.raises(KeyboardInterrupt):
        lease(tmp_path, [Gpu("0")], slots=1, say=said.append, between=between)

    assert len(said) == 1


def test_a_lease_shows_cuda_one_gpu_and_shares_its_memory(tmp_path: Path) -> None:
    environ = {"CUDA_VISIBLE_DEVICES": "0,1"}

    with closing(lease(tmp_path, [Gpu(A, 16_000)], slots=2)) as held:
        held.apply(environ)

    assert environ == {"CUDA_VISIBLE_DEVICES": A, "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
    assert held.memory_mib(slots=2, asked_mib=None) == 16_000 // 2 - gpu_slots.CONTEXT_MIB
    assert held.memory_mib(slots=1, asked_mib=None) is None
    assert held.memory_mib(slots=2, asked_mib=900) == 900


def machine_of_its_own(monkeypatch: pytest.MonkeyPatch, folder: Path, boot_id: str) -> None:
    """Makes this the machine that has been started under this id, with a temporary folder of its own."""
    folder.mkdir(exist_ok=True)
    (folder / "boot_id").write_text(f"{boot_id}\n")
    monkeypatch.setattr(node, "BOOT_ID", folder / "boot_id")
    monkeypatch.setattr(node, "TEMPORARY", folder)


def test_slots_lie_in_a_folder_of_this_user_on_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine_of_its_own(monkeypatch, tmp_path / "node-1", "a")
    folder = tmp_path / f"node-1/tf-sweeps-gpu-slots-{os.getuid()}"
    folder.mkdir(0o755)
    (folder / f"{A}.0.lock").write_text("left by a trial that was killed")

    with closing(lease(None, [Gpu(A)], slots=1)) as held:
        assert (held.slot, stat.S_IMODE(folder.stat().st_mode)) == (0, 0o700)
    machine_of_its_own(monkeypatch, tmp_path / "node-2", "b")
    with closing(lease(None, [Gpu(A)], slots=1)):
        assert [path.name for path in (tmp_path / "node-2").glob("*/*")] == [f"{A}.0.lock"]


def test_gpus_that_have_only_a_number_are_not_mixed_up_where_machines_share_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared, gpus = tmp_path / "shared", [Gpu("0"), Gpu(A)]

    with ExitStack() as stack:
        machine_of_its_own(monkeypatch, tmp_path / "node-1", "a")
        first = stack.enter_context(closing(lease(shared, gpus, slots=1)))
        machine_of_its_own(monkeypatch, tmp_path / "node-2", "b")
        second = stack.enter_context(closing(lease(shared, gpus, slots=1)))

    assert (first.gpu.name, second.gpu.name) == ("0", "0")


@pytest.mark.parametrize("kind", ["a file", "a link", "another user's"])
def test_what_somebody_else_has_put_there_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    machine_of_its_own(monkeypatch, tmp_path, "a")
    place, elsewhere = tmp_path / f"tf-sweeps-gpu-slots-{os.getuid()}", tmp_path / "elsewhere"
    elsewhere.mkdir()
    if kind == "a file":
        place.touch()
    elif kind == "a link":
        place.symlink_to(elsewhere)
    elif os.getuid():
        pytest.skip("only root can make a folder that is another user's")
    else:
        place.mkdir()
        os.chown(place, 12345, 12345)

    with pytest.raises(
        SlotError, match=rf"{place} is there and no folder of this user's\. Set GPU_SLOTS_DIR to a fold"
    ):
        lease(None, [Gpu(A)], slots=1)
    assert list(elsewhere.iterdir()) == []


def test_a_folder_that_cannot_be_used_is_named_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(SlotError, match=rf"^GPU slots cannot be kept in {tmp_path}/file/slots: .*Set GPU_SLOTS_DIR to"):
        lease(tmp_path / "file/slots", [Gpu(A)], slots=1)


@pytest.mark.parametrize(
    ("environ", "given"),
    [
        ({"CUDA_VISIBLE_DEVICES": "0", "SLURM_JOB_GPUS": "3"}, True),
        ({"CUDA_VISIBLE_DEVICES": "0", "SLURM_STEP_GPUS": "3"}, True),
        ({"CUDA_VISIBLE_DEVICES": "0", "SLURM_JOB_ID": "7"}, False),  # a cluster that keeps no count of its GPUs
        ({"CUDA_VISIBLE_DEVICES": "0"}, False),
        ({"SLURM_JOB_GPUS": "3"}, False),
    ],
)
def test_a_cluster_has_given_out_what_it_names_twice(environ: dict[str, str], given: bool) -> None:
    assert gpu_slots.given_out(environ) == given


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A root directory with two NVIDIA GPUs, a driver that names them, and a folder of programs."""
    for number, name in enumerate((A, B)):
        (tmp_path / f"proc/driver/nvidia/gpus/0000:0{number}:00.0").mkdir(parents=True)
        information = f"Model: \t\t NVIDIA\nGPU UUID: \t {name}\nDevice Minor: \t {number}\n"
        (tmp_path / f"proc/driver/nvidia/gpus/0000:0{number}:00.0/information").write_text(information)
        (tmp_path / "dev").mkdir(exist_ok=True)
        (tmp_path / f"dev/nvidia{number}").touch()
    (tmp_path / "dev/nvidiactl").touch()
    (tmp_path / "bin").mkdir()
    return tmp_path


def nvidia_smi(machine: Path, script: str) -> dict[str, str]:
    """Puts a program of that name there and returns the environment that finds it."""
    program = machine / "bin/nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return {"PATH": str(machine / "bin")}


def test_nvidia_smi_tells_names_and_memory(machine: Path) -> None:
    environ = nvidia_smi(machine, f"echo '{A}, 81559'; echo '{B}, [N/A]'")

    assert find(environ, machine) == [Gpu(A, 81_559), Gpu(B)]


def test_without_it_the_driver_tells_the_names(machine: Path) -> None:
    broken = nvidia_smi(machine, "exit 9")

    assert find({}, machine) == find(broken, machine) == [Gpu(A), Gpu(B)]


def test_without_both_they_have_numbers(tmp_path: Path) -> None:
    (tmp_path / "dev").mkdir()
    for name in ("nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm"):
        (tmp_path / "dev" / name).touch()

    assert find({}, tmp_path) == [Gpu("0"), Gpu("1")]


def test_where_no_gpu_is_or_none_can_be_used_there_is_none(machine: Path) -> None:
    (machine / "empty").mkdir()

    assert find({}, machine / "empty") == []
    assert find({"TRAINER": "cpu"}, machine) == []


@pytest.mark.parametrize(
    ("environ", "names"),
    [
        ({"CUDA_VISIBLE_DEVICES": "1"}, [B]),
        ({"CUDA_VISIBLE_DEVICES": "1, 0"}, [B, A]),
        ({"CUDA_VISIBLE_DEVICES": "GPU-bbbb"}, [B]),
        ({"CUDA_VISIBLE_DEVICES": "0,7,1"}, [A]),
        ({"CUDA_VISIBLE_DEVICES": ""}, []),
        ({"CUDA_VISIBLE_DEVICES": "-1"}, []),
        ({"CUDA_VISIBLE_DEVICES": "MIG-1"}, ["MIG-1"]),
        ({"NVIDIA_VISIBLE_DEVICES": "all"}, [A, B]),
        ({"NVIDIA_VISIBLE_DEVICES": "void"}, []),
        ({"NVIDIA_VISIBLE_DEVICES": "1"}, [B]),
        ({"NVIDIA_VISIBLE_DEVICES": "2,3"}, [A, B]),  # the host's numbers of the two that are here
    ],
)
def test_only_the_gpus_that_the_agent_may_use_are_leased(
    machine: Path, environ: dict[str, str], names: list[str]
) -> None:
    assert [gpu.name for gpu in find(environ, machine)] == names


TRIAL = """
import os, sys
from pathlib import Path
from app import settings
from app.machine import device

chosen = settings.read({"GPU_SLOTS_DIR": f"{sys.argv[1]}/gpu-slots", "XLA": "1"}, {})
device.acquire(chosen, os.environ, root=Path(sys.argv[1]))
import tensorflow as tf
print(os.environ["CUDA_VISIBLE_DEVICES"], os.environ["XLA_FLAGS"], len(tf.config.list_logical_devices()))
"""


def test_a_trial_takes_a_gpu_before_tensorflow_starts_and_gives_it_back_if_that_cannot_use_it(
    warm_environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev/nvidia0").touch()

    done = ended(warm_environment, "-c", TRIAL, str(tmp_path))

    assert done.returncode == 0, done.stderr
    assert "not started warm" not in done.stderr
    assert done.stdout.splitlines() == [
        "TensorFlow cannot use the GPU that is here: this trial runs on the CPU.",
        "0 --xla_gpu_deterministic_ops=true 1",
    ]
    assert [path.name for path in (tmp_path / "gpu-slots").iterdir()] == [f"0@{node.identity()}.0.lock"]
