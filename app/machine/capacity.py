"""How many agents this machine carries: by the cores, the memory and the GPUs that this process may use."""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from app.machine import gpu_slots
from app.parent.warm import SWITCH
from app.settings import Settings

# A trial of the example takes 450 MiB, its agent and the client's two services 150; the rest is room for validation.
TRIAL_MIB = 700
# What the warm server holds for itself (`python -m benchmarks.memory`). Its trials share it, but each may have to start
# plain and take all that is its own.
WARM_SERVER_MIB = 211

# One more than there are cores or GPU slots: at its start and its end a trial waits for its server, and between two an
# agent does; another one uses the place meanwhile.
SPARE_AGENTS = 1


@dataclass(frozen=True)
class Capacity:
    """What may be used.

    Attributes:
        cores: at least 1, by affinity and cgroup quota.
        free_mib: memory in MiB; None where it cannot be told.
        gpu_slots: trials at once on all GPUs together; 0 where there is none, and trials take only cores.
        warm_server_mib: of the warm server that all trials share; 0 where there is none.
        trial_mib: of a trial and its agent.
    """

    cores: int
    free_mib: int | None
    gpu_slots: int = 0
    warm_server_mib: int = 0
    trial_mib: int = TRIAL_MIB

    def agents(self, most: int | None) -> tuple[int, str]:
        """Gives how many agents to run, at least 1, and the reason in words.

        Args:
            most: the runs that are left to do; None if nobody knows.
        """
        count, reason = self.cores + SPARE_AGENTS, f"{self.cores} cores + {SPARE_AGENTS}"
        if 0 < self.gpu_slots < self.cores:
            count, reason = self.gpu_slots + SPARE_AGENTS, f"{self.gpu_slots} GPU slots + {SPARE_AGENTS}"
        if self.free_mib is not None and (fitting := self._fitting(self.free_mib)) < count:
            count, reason = fitting, f"{self.free_mib} MiB are free, {self._each()}"
        if most is not None and most < count:
            count, reason = most, f"no more than the runs to do: {most}"
        return max(1, count), reason

    def too_many(self, agents: int) -> str | None:
        """Says that the memory will not do for so many agents; None if it will, or if nothing tells."""
        if self.free_mib is None or agents <= (fitting := self._fitting(self.free_mib)):
            return None
        return (
            f"AGENTS={agents} may run out of memory: {self._each()} are "
            f"{self.warm_server_mib + agents * self.trial_mib} MiB, and {self.free_mib} MiB are free. "
            f"AGENTS={max(1, fitting)} would fit."
        )

    def _fitting(self, free_mib: int) -> int:
        return max(0, free_mib - self.warm_server_mib) // self.trial_mib

    def _each(self) -> str:
        server = f" and {self.warm_server_mib} MiB for the warm server" if self.warm_server_mib else ""
        return f"{self.trial_mib} MiB a trial{server}"


def of_machine(settings: Settings, environ: Mapping[str, str], root: Path = Path("/")) -> Capacity:
    """What agents with this environment may use, with `settings.gpu_slots` trials on each GPU and one warm server."""
    found = measure(root, len(gpu_slots.find(environ, root)) * settings.gpu_slots)
    return replace(found, warm_server_mib=WARM_SERVER_MIB if settings.warm else 0)


def crowded(environ: Mapping[str, str], root: Path = Path("/")) -> str | None:
    """Says in a container that the machine's memory will not do for its agents, of which AGENTS is the number."""
    agents = environ.get("AGENTS", "")
    if gpu_slots.TRAINER not in environ or not agents.isdigit():
        return None
    # This container's own limit is for one agent; each has its own warm server.
    trial_mib = TRIAL_MIB + (WARM_SERVER_MIB if environ.get(SWITCH) != "0" else 0)
    return Capacity(1, _free_mib(root), trial_mib=trial_mib).too_many(int(agents))


def measure(root: Path = Path("/"), slots: int = 0) -> Capacity:
    """Reads the limits of this process.

    Args:
        root: where /proc and /sys are.
        slots: of all GPUs together.
    """
    groups = list(_control_groups(root))
    free = [_free_mib(root), *(_free_mib_of(group) for group in groups)]
    return Capacity(
        cores=max(1, min([_usable_cores(), *filter(None, map(_quota_cores, groups))])),
        free_mib=min((mib for mib in free if mib is not None), default=None),
        gpu_slots=slots,
    )


def _usable_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _control_groups(root: Path) -> Iterator[Path]:
    """The process's control groups, of version 1 and 2, and all above them: each may set a limit."""
    base = root / "sys/fs/cgroup"
    for line in _read(root / "proc/self/cgroup").splitlines():
        _, controllers, own = line.split(":", 2)
        for mount in [base / name for name in controllers.split(",") if name in ("cpu", "memory")] or [base]:
            path = mount / own.lstrip("/")
            yield from (group for group in (path, *path.parents) if group.is_relative_to(mount))


def _quota_cores(group: Path) -> int | None:
    limit = _read(group / "cpu.max").split() or [_read(group / f"cpu.cfs_{name}_us") for name in ("quota", "period")]
    quota, period = (text.strip() for text in limit)
    return max(1, int(quota) // int(period)) if quota.isdigit() and period.isdigit() else None


def _free_mib_of(group: Path) -> int | None:
    limit = _read(group / "memory.max") or _read(group / "memory.limit_in_bytes")
    used = _read(group / "memory.current") or _read(group / "memory.usage_in_bytes")
    if not limit.strip().isdigit() or not used.strip().isdigit():
        return None
    # The kernel takes pages of files back when memory is short; they count as used here.
    files = dict(re.findall(r"^((?:total_)?inactive_file) (\d+)", _read(group / "memory.stat"), re.MULTILINE))
    idle = files.get("total_inactive_file") or files.get("inactive_file") or 0  # version 1 has both: all, and its own
    return max(0, int(limit) - int(used) + int(idle)) >> 20


def _free_mib(root: Path) -> int | None:
    available = re.search(r"^MemAvailable: +(\d+) kB", _read(root / "proc/meminfo"), re.MULTILINE)
    return int(available[1]) >> 10 if available else None


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
