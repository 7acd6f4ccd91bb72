"""How many agents this machine carries: by the cores and the memory that this process may use."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# A trial of the example takes 450 MiB, its agent and the client's two services 150; the rest is room for validation.
TRIAL_MIB = 700

# One core more than there are: an agent asks for its next run every 5 s only, and another one uses the core meanwhile.
SPARE_AGENTS = 1


@dataclass(frozen=True)
class Capacity:
    """What may be used.

    Attributes:
        cores: at least 1, by affinity and cgroup quota.
        free_mib: memory in MiB; None where it cannot be told.
    """

    cores: int
    free_mib: int | None

    def agents(self, most: int | None) -> tuple[int, str]:
        """Gives how many agents to run, at least 1, and the reason in words.

        Args:
            most: the runs that are left to do; None if nobody knows.
        """
        count, reason = self.cores + SPARE_AGENTS, f"{self.cores} cores + {SPARE_AGENTS}"
        if self.free_mib is not None and self.free_mib // TRIAL_MIB < count:
            count, reason = self.free_mib // TRIAL_MIB, f"{self.free_mib} MiB are free, {TRIAL_MIB} MiB a trial"
        if most is not None and most < count:
            count, reason = most, f"no more than the runs to do: {most}"
        return max(1, count), reason


def measure(root: Path = Path("/")) -> Capacity:
    """Reads the limits of this process; `root` is where /proc and /sys are looked for."""
    groups = list(_control_groups(root))
    free = [_free_mib(root), *(_free_mib_of(group) for group in groups)]
    return Capacity(
        cores=max(1, min([_usable_cores(), *filter(None, map(_quota_cores, groups))])),
        free_mib=min((mib for mib in free if mib is not None), default=None),
    )


def _usable_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _control_groups(root: Path) -> Iterator[Path]:
    """The process's control group (version 2) and all above it: each may set a limit."""
    base = root / "sys/fs/cgroup"
    own = re.search(r"^0::/(.*)$", _read(root / "proc/self/cgroup"), re.MULTILINE)
    if own:
        path = base / own[1]
        yield from (group for group in (path, *path.parents) if group.is_relative_to(base))


def _quota_cores(group: Path) -> int | None:
    limit = re.match(r"(\d+) (\d+)", _read(group / "cpu.max"))
    return max(1, int(limit[1]) // int(limit[2])) if limit else None


def _free_mib_of(group: Path) -> int | None:
    limit, used = _read(group / "memory.max").strip(), _read(group / "memory.current").strip()
    if not limit.isdigit() or not used.isdigit():
        return None
    # The kernel takes pages of files back when memory is short; they count as used here.
    files = re.search(r"^inactive_file (\d+)", _read(group / "memory.stat"), re.MULTILINE)
    return max(0, int(limit) - int(used) + int(files[1] if files else 0)) >> 20


def _free_mib(root: Path) -> int | None:
    available = re.search(r"^MemAvailable: +(\d+) kB", _read(root / "proc/meminfo"), re.MULTILINE)
    return int(available[1]) >> 10 if available else None


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
