"""What the warm server and trials of the example take of the memory: `python -m benchmarks.memory`.

The warm server alone, then with one trial and with two that it has started, then one trial in a plain process, each
with its W&B client offline. Prints the largest sums, in MiB: of what is the processes' own (anonymous pages, those that
forks share counted once), and with their share of files, as libraries are. The latter is less where other processes
have the same libraries loaded.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from app import data
from app.commands.warm_server import WarmServer
from app.machine import device
from app.machine.children import Interrupts
from benchmarks import job, main_job

SERVER_START_S = 20.0
SAMPLE_S = 0.3
TRIAL = ["-I", "-S", "app/trial.py", "-m", "app.train", "--layer1_size=256"]

Sum = tuple[int, int]


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        mark = f"{job.MARK}={folder}"
        own = {"DATA_DIR": folder, "WANDB_DIR": folder, "WANDB_MODE": "offline", job.MARK: folder}
        environment = {**os.environ, **own, "PYTHONHASHSEED": "0", "WARM": "1"}
        device.configure(environment)
        data.prepare(environment)
        print(main_job.machine())
        server = WarmServer(environment, Path(folder, "warm.log"))
        time.sleep(SERVER_START_S)
        show("the warm server alone", taken(mark))
        show("with a trial", peak(mark, started(1, server.environment)))
        show("with two trials", peak(mark, started(2, server.environment)))
        server.stop(Interrupts())
        show("a plain trial", peak(mark, started(1, {**environment, "WARM": "0"})))


def started(count: int, environment: dict[str, str]) -> list["subprocess.Popen[bytes]"]:
    """Starts that many trials."""
    command = [sys.executable, *TRIAL]
    silent = subprocess.DEVNULL
    return [
        subprocess.Popen(command, cwd=job.ROOT, env=environment, stdout=silent, stderr=silent) for _ in range(count)
    ]


def peak(mark: str, trials: Sequence["subprocess.Popen[bytes]"]) -> Sum:
    """The largest sums while trials run; fails if one does."""
    sums = [taken(mark)]
    while any(trial.poll() is None for trial in trials):
        time.sleep(SAMPLE_S)
        sums.append(taken(mark))
    if any(trial.returncode for trial in trials):
        raise SystemExit("a trial failed")
    own, all_of_it = zip(*sums, strict=True)
    return max(own), max(all_of_it)


def taken(mark: str) -> Sum:
    """What the marked processes take now: their own pages, and all."""
    shares = [dict(fields(pid)) for pid in job.marked(mark)]
    return sum(each.get("Pss_Anon", 0) for each in shares) >> 10, sum(each.get("Pss", 0) for each in shares) >> 10


def fields(pid: int) -> Iterator[tuple[str, int]]:
    """The kernel's sums over a process's pages in KiB, by name; none if it has ended."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
            name, kib, *_ = line.split()
            yield name.rstrip(":"), int(kib)


def show(what: str, sums: Sum) -> None:
    print(f"{what:22} {sums[0]:5} MiB of its own, {sums[1]:5} MiB with files", flush=True)


if __name__ == "__main__":
    main()
