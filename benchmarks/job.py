"""One job and its price: wall seconds, CPU seconds of every process it started, the memory that all of them took."""

import contextlib
import ctypes
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click

ROOT = Path(__file__).parents[1]
PR_SET_CHILD_SUBREAPER = 36  # <linux/prctl.h>
SAMPLE_S = 2.0
MARK = "BENCHMARK_JOB"


@dataclass(frozen=True)
class Price:
    """What a job cost.

    Attributes:
        first_s: seconds from its start to its first finished run; None where nobody watched.
        end_s: seconds from its start to its end.
        cpu_s: user and system seconds of all processes, those that outlived their parents too. What their parents do
            not count, as Ray's do not, is taken from a look every `SAMPLE_S`, and so a little too small.
        peak_mib: the most that all of them took together, shared pages counted once.
        load: the machine's load average before and after.
        others: cores that all other programs of the machine took meanwhile; 0 on an idle one.
    """

    first_s: float | None
    end_s: float
    cpu_s: float
    peak_mib: float
    load: tuple[float, float]
    others: float


def adopt_orphans() -> None:
    """Makes this process the parent of what its children leave behind, so that their CPU time is not lost."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)


@contextlib.contextmanager
def measured(folder: Path, first: Callable[[], None] | None = None) -> Iterator[list[Price]]:
    """Measures all that is started within the block and marked with `folder`; the price is there after its end.

    Args:
        folder: of the processes' output and of whatever W&B writes.
        first: returns when the first run has finished; None watches for none.
    """
    begin_s, cpu_s, busy_s, load = time.monotonic(), used_cpu_s(), machine_cpu_s(), os.getloadavg()[0]
    first_s: list[float] = []
    prices: list[Price] = []

    def watch(wait: Callable[[], None]) -> None:
        wait()
        first_s.append(time.monotonic() - begin_s)

    if first is not None:
        threading.Thread(target=watch, args=(first,), daemon=True).start()
    with _sampled(folder) as seen:
        yield prices
        end_s = time.monotonic() - begin_s
    _bury()
    counted_s = max(used_cpu_s() - cpu_s, sum(seen.cpu_s.values()))
    others = max(0.0, machine_cpu_s() - busy_s - counted_s) / (time.monotonic() - begin_s)
    loads = load, os.getloadavg()[0]
    prices.append(Price(next(iter(first_s), None), end_s, counted_s, seen.peak_mib, loads, others))


def finish(job: "subprocess.Popen[bytes]", folder: Path) -> None:
    """Waits for a job's end.

    Raises:
        ClickException: if it fails, with the end of its output.
    """
    if job.wait():
        raise click.ClickException(f"{job.args!r} failed:\n{(folder / 'job.log').read_text()[-2000:]}")


@contextlib.contextmanager
def started(
    command: Sequence[str], folder: Path, variables: Mapping[str, str], cwd: Path = ROOT
) -> Iterator["subprocess.Popen[bytes]"]:
    """Starts a process of a job, which is ended with the block."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("WANDB_")}
    own = {"DATA_DIR": str(folder), "WANDB_DIR": str(folder), MARK: str(folder)}
    with (folder / "job.log").open("ab") as log:
        job = subprocess.Popen(command, cwd=cwd, env=kept | own | dict(variables), stdout=log, stderr=log)
    try:
        yield job
    finally:
        job.terminate()
        job.wait()


def used_cpu_s() -> float:
    """User and system seconds of all children that this process has waited for, and of theirs."""
    times = os.times()
    return times.children_user + times.children_system


def machine_cpu_s() -> float:
    """Seconds that the machine's cores have worked since its start, whoever had them."""
    user, nice, system, _, _, *interrupts = map(int, Path("/proc/stat").read_text().split("\n")[0].split()[1:9])
    return (user + nice + system + sum(interrupts)) / os.sysconf("SC_CLK_TCK")


def memory_mib(pid: int) -> float:
    """The process's share of memory in MiB: pages shared by n processes count 1/n; 0 if it has ended."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    return 0.0


def own_cpu_s(pid: int) -> float:
    """User and system seconds of the process itself, without its children; 0 if it has ended."""
    with contextlib.suppress(OSError):
        # Its name comes second, in brackets, and may hold blanks and brackets.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return 0.0


def python(module: str, *arguments: str) -> list[str]:
    """The command of a module of this project."""
    return [sys.executable, "-m", module, *arguments]


@dataclass
class _Seen:
    """What was seen of a job's processes: the most memory at once, the last CPU seconds of each by its id."""

    peak_mib: float = 0.0
    cpu_s: dict[int, float] = field(default_factory=dict)


@contextlib.contextmanager
def _sampled(folder: Path) -> Iterator[_Seen]:
    """Looks at all processes of the job in `folder` while the block runs."""
    seen = _Seen()
    over = threading.Event()

    def sample() -> None:
        while not over.wait(SAMPLE_S):
            pids = list(marked(f"{MARK}={folder}"))
            seen.peak_mib = max(seen.peak_mib, sum(memory_mib(pid) for pid in pids))
            seen.cpu_s.update({pid: max(own_cpu_s(pid), seen.cpu_s.get(pid, 0.0)) for pid in pids})

    sampler = threading.Thread(target=sample)
    sampler.start()
    try:
        yield seen
    finally:
        over.set()
        sampler.join()


def marked(mark: str) -> Iterator[int]:
    """Ids of the processes that carry a variable in their environment."""
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark.encode() in (entry / "environ").read_bytes().split(b"\0"):
                yield int(entry.name)


def _bury() -> None:
    """Waits for the orphans of a job: W&B's services end a moment after their runs."""
    with contextlib.suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)
