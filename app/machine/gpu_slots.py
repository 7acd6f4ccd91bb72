"""GPUs shared out among the trials of one machine: each holds a slot of a GPU, a locked file, as it trains.

The files lie on a disk of this machine. The kernel frees a lock when its holder dies, however it dies, and it works
across containers that share a volume. Nothing here touches CUDA.
"""

import fcntl
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from app.machine import node

VISIBLE = "CUDA_VISIBLE_DEVICES"
VISIBLE_IN_CONTAINER = "NVIDIA_VISIBLE_DEVICES"  # read by NVIDIA's container toolkit
TRAINER = "TRAINER"  # set in images: "cpu" or "gpu"

QUERY = ("--query-gpu=uuid,memory.total", "--format=csv,noheader,nounits")
QUERY_LIMIT_S = 30  # it wakes a driver that nobody uses
LOOK_S = 1.0

# How clusters tell a job which GPUs it has to itself: Slurm, PBS, Grid Engine, HTCondor, LSF. CUDA_VISIBLE_DEVICES may
# also be a user's own word.
GIVEN_OUT = (
    *("SLURM_JOB_GPUS", "SLURM_STEP_GPUS", "SLURM_GPUS_ON_NODE", "PBS_GPUFILE", "SGE_HGR_gpu"),
    *("_CONDOR_AssignedGPUs", "LSB_JOBID"),
)

# What CUDA itself takes of a GPU for each process, beside the memory that TensorFlow asks for.
CONTEXT_MIB = 600
LEAST_MIB = 64


@dataclass(frozen=True)
class Gpu:
    """A GPU, or a part of one that the driver has split off.

    Attributes:
        name: what CUDA_VISIBLE_DEVICES takes: its UUID, or its number where nothing tells the UUID.
        memory_mib: of the whole GPU; None where nothing tells it.
    """

    name: str
    memory_mib: int | None = None

    @property
    def everywhere(self) -> str:
        """A name that no GPU of another machine has, for a file."""
        return (f"{self.name}@{node.identity()}" if self.name.isdigit() else self.name).replace("/", "_")


class SlotError(Exception):
    """Nobody can tell which slots are taken; the message says why and what to do."""

    exit_code = 1  # told in a line


@dataclass(frozen=True)
class Lease:
    """A slot of a GPU, held while this object's file is open."""

    gpu: Gpu
    slot: int
    file: IO[str]

    def apply(self, environ: MutableMapping[str, str]) -> None:
        """Makes the GPU the only one that CUDA shows to this process."""
        environ[VISIBLE] = self.gpu.name
        environ.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")  # the order of the numbers here

    def memory_mib(self, slots: int, asked_mib: int | None) -> int | None:
        """The GPU memory that TensorFlow may take; None leaves it to grow as it needs.

        Args:
            slots: trials at once on a GPU.
            asked_mib: what was asked for; None shares the memory out evenly.
        """
        if asked_mib is not None:
            return asked_mib
        if slots == 1 or self.gpu.memory_mib is None:
            return None
        return max(LEAST_MIB, self.gpu.memory_mib // slots - CONTEXT_MIB)

    def close(self) -> None:
        """Frees the slot."""
        self.file.close()


def given_out(environ: Mapping[str, str]) -> bool:
    """Whether a cluster has given this job GPUs that no other job has."""
    return VISIBLE in environ and any(environ.get(name) for name in GIVEN_OUT)


def lease(
    folder: Path | None,
    gpus: Sequence[Gpu],
    slots: int,
    *,
    say: Callable[[str], None] = print,
    between: Callable[[], None] = lambda: None,
) -> Lease:
    """Takes a free slot, of the GPUs with the fewest trials first; waits for one, and says so once.

    Args:
        folder: on a disk of this machine; the same for all that share the GPUs. None is one of this user's.
        gpus: at least one.
        slots: trials at once on each.
        between: called once a second while it waits; what it raises ends the waiting.

    Raises:
        SlotError: if the folder cannot be used, or no file in it be locked.
    """
    told = False
    while True:
        for slot in range(slots):
            for gpu in gpus:
                file = _locked(folder, f"{gpu.everywhere}.{slot}.lock")
                if file is not None:
                    return Lease(gpu, slot, file)
        if not told:
            say(f"Waiting for a GPU: all slots are taken (GPUs: {len(gpus)}, GPU_SLOTS={slots}).")
            told = True
        between()
        time.sleep(LOOK_S)


def _locked(folder: Path | None, name: str) -> IO[str] | None:
    try:
        return _try_lock(_usable(folder) / name)
    except OSError as error:
        where = folder or "this machine's temporary folder"
        raise SlotError(
            f"GPU slots cannot be kept in {where}: {error}. "
            "Set GPU_SLOTS_DIR to a folder of yours on a disk of this machine that no other shares."
        ) from None


def _usable(folder: Path | None) -> Path:
    if folder is None:
        return node.own_folder("gpu-slots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _try_lock(path: Path) -> IO[str] | None:
    file = path.open("a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        if isinstance(error, BlockingIOError):
            return None
        raise
    return file


def find(environ: Mapping[str, str], root: Path = Path("/")) -> list[Gpu]:
    """Finds the GPUs that a trial with this environment may use.

    Args:
        environ: PATH, to find nvidia-smi; CUDA_VISIBLE_DEVICES and NVIDIA_VISIBLE_DEVICES, which leave some out.
        root: where /dev and /proc are.
    """
    nodes = list((root / "dev").glob("nvidia[0-9]*"))
    if environ.get(TRAINER) == "cpu" or not (nodes or (root / "dev/dxg").exists()):  # dxg: in Windows' Linux
        return []
    gpus = list(_asked(environ) or _told_by_driver(root)) or [Gpu(str(number)) for number in range(len(nodes))]
    return _allowed(gpus, environ)


def _asked(environ: Mapping[str, str]) -> list[Gpu]:
    program = shutil.which("nvidia-smi", path=environ.get("PATH", ""))
    if program is None:
        return []
    try:
        answer = subprocess.run([program, *QUERY], capture_output=True, text=True, timeout=QUERY_LIMIT_S, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    rows = (line.split(", ") for line in answer.stdout.splitlines() if line.startswith("GPU-"))
    return [Gpu(name, int(mib) if mib.isdigit() else None) for name, mib in rows]


def _told_by_driver(root: Path) -> Iterator[Gpu]:
    for path in sorted((root / "proc/driver/nvidia/gpus").glob("*/information")):
        named = re.search(r"^GPU UUID:\s+(GPU-[0-9a-f-]+)\s*$", path.read_text(), re.MULTILINE)
        if named:
            yield Gpu(named[1])


def _allowed(gpus: list[Gpu], environ: Mapping[str, str]) -> list[Gpu]:
    in_container = environ.get(VISIBLE_IN_CONTAINER) or "all"
    if in_container in ("none", "void"):
        return []
    # The toolkit's numbers are the host's: in a container that shows only those GPUs, there is nothing to leave out.
    names = in_container.split(",")
    if in_container != "all" and len(names) < len(gpus):
        gpus = _chosen(gpus, names)
    return gpus if environ.get(VISIBLE) is None else _chosen(gpus, environ[VISIBLE].split(","))


def _chosen(gpus: list[Gpu], names: Sequence[str]) -> list[Gpu]:
    chosen: list[Gpu] = []
    for name in map(str.strip, names):
        found = _named(gpus, name)
        if found is None:
            break  # CUDA too leaves out what follows an unknown name
        chosen.append(found)
    return chosen


def _named(gpus: list[Gpu], name: str) -> Gpu | None:
    if name.isdigit():
        return gpus[int(name)] if int(name) < len(gpus) else None
    if not name.startswith(("GPU-", "MIG-")):
        return None
    return next((gpu for gpu in gpus if gpu.name.startswith(name)), Gpu(name))
