"""What artifacts cost: `python -m benchmarks.artifacts`, some five minutes and 8 GB of disk.

Logs one large file, then many small ones, with the unmodified client against a fresh server, and reads each back into
an empty folder with an empty cache. Prints seconds, as multiples of `cp` of the same bytes, and of what W&B's client
takes for its own copy before it sends anything (`add_dir`). Then the server's resident memory: before, at its most,
after. `cp` leaves the bytes to the page cache; beside it stands `cp` with each file synced, as the server does it.
"""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Final

import click
import wandb

from benchmarks import main_job
from benchmarks.pages import Server, serving

PROJECT: Final = "benchmark"
PIECE_BYTES: Final = 2**20
MIB: Final = 2**20
COLUMNS: Final = ("cp", "cp, synced", "staging", "logging", "reading")


@click.command()
@click.option("--mib", default=1024, show_default=True, help="Size of the large file.")
@click.option("--files", default=10_000, show_default=True, help="Number of small files.")
@click.option("--small-bytes", default=10_000, show_default=True, help="Size of each.")
@click.option("--folder", type=click.Path(path_type=Path), help="Where to work; default: a temporary one.")
def main(mib: int, files: int, small_bytes: int, folder: Path | None) -> None:
    """Measure logging and reading artifacts."""
    print(main_job.machine())
    with tempfile.TemporaryDirectory(dir=folder) as name:
        work = Path(name)
        for what, count, size_bytes in (("one file", 1, mib * MIB), ("small files", files, small_bytes)):
            source = work / what
            fill(source, count, size_bytes)
            print(f"\n{what}: {count:,} of {size_bytes:,} bytes", flush=True)
            report(work, source)
            shutil.rmtree(source)


def report(work: Path, source: Path) -> None:
    """Prints the row of one artifact."""
    copy, data = work / "copy", work / "data"
    times_s = [timed(lambda: subprocess.run(["cp", "-r", source, copy], check=True))]
    times_s.append(times_s[0] + timed(lambda: synced(copy)))
    shutil.rmtree(copy)
    with serving(data) as server:
        memory, cpu_s = [resident_mib(server)], [server.cpu_s()]
        for step in (log, read):
            times_s += in_client(step, server, work, source)
            memory.append(most_mib(server))
            cpu_s.append(server.cpu_s())
        memory.append(resident_mib(server))
    shutil.rmtree(data)
    print("".join(f"{column:>12}" for column in COLUMNS))
    for base, unit in ((1.0, "s"), (times_s[0], "of cp"), (times_s[2], "of staging")):
        print("".join(f"{time_s / base:12.2f}" for time_s in times_s), unit)
    before, logging, reading, after = memory
    print(f"server: {before} MiB before, at most {logging} while logging, {reading} in all, {after} after")
    print(f"server: {cpu_s[1] - cpu_s[0]:.2f} CPU s of logging, {cpu_s[2] - cpu_s[1]:.2f} of reading", flush=True)


def fill(folder: Path, count: int, size_bytes: int) -> None:
    """Writes files of random bytes."""
    folder.mkdir()
    for number in range(count):
        with open(folder / f"{number:05}.bin", "wb") as file:
            for begin in range(0, size_bytes, PIECE_BYTES):
                file.write(os.urandom(min(PIECE_BYTES, size_bytes - begin)))


def synced(folder: Path) -> None:
    for path in folder.iterdir():
        with open(path, "rb") as file:
            os.fsync(file.fileno())


def timed(act: Callable[[], object]) -> float:
    """Seconds that it takes."""
    begin_s = time.perf_counter()
    act()
    return time.perf_counter() - begin_s


def in_client(step: Callable[[Path, Path], list[float]], server: Server, work: Path, source: Path) -> list[float]:
    """Runs a step in a process of its own, whose client has an empty cache."""
    home = Path(tempfile.mkdtemp(dir=work))
    folders = dict.fromkeys(("HOME", "WANDB_DIR", "WANDB_CACHE_DIR", "WANDB_DATA_DIR", "WANDB_CONFIG_DIR"), str(home))
    own = {"WANDB_BASE_URL": server.url, "WANDB_API_KEY": server.key, "WANDB_ERROR_REPORTING": "false"}
    os.environ.update({**folders, **own, "WANDB_SILENT": "true"})
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        times_s = process.submit(step, home, source).result()
    shutil.rmtree(home)
    return times_s


def log(home: Path, source: Path) -> list[float]:
    """Seconds of staging, and of what comes after it until the version is committed."""
    with wandb.init(project=PROJECT) as run:
        artifact = wandb.Artifact("data", "dataset")
        staging_s = timed(lambda: artifact.add_dir(str(source)))
        return [staging_s, timed(lambda: run.log_artifact(artifact).wait())]


def read(home: Path, source: Path) -> list[float]:
    """Seconds of a download; fails if it is not what was logged."""
    artifact = wandb.Api().artifact(f"{PROJECT}/data:latest")
    took_s = timed(lambda: artifact.download(root=str(home / "read")))
    subprocess.run(["diff", "-rq", source, home / "read"], check=True)
    return [took_s]


def resident_mib(server: Server) -> int:
    """Resident memory of the server now; from here on `most_mib` counts anew."""
    Path(f"/proc/{server.process.pid}/clear_refs").write_text("5")
    return status_mib(server, "VmRSS")


def most_mib(server: Server) -> int:
    """The most that it has been."""
    return status_mib(server, "VmHWM")


def status_mib(server: Server, name: str) -> int:
    for line in Path(f"/proc/{server.process.pid}/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) >> 10
    raise LookupError(name)


if __name__ == "__main__":
    main()
