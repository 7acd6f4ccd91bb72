"""Programs that XLA has compiled, kept in DATA_DIR for later trials: a second less at the start of each.

TensorFlow has such a cache (2.21), but takes what lies in it unchecked and does not compile what it cannot load. So its
folder is a process's own and lasts for one compilation; a program comes into it from here, once its hash is right.
"""

import hashlib
import os
import re
import secrets
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

FOLDER = "compiled"  # in DATA_DIR
FLAGS = "TF_XLA_FLAGS"
OURS = "trial-xla-"
# What decides a program beside its graph. Threads do: XLA shares a large product out among them.
DECIDING = ("XLA_FLAGS", "TF_NUM_INTRAOP_THREADS")
TENSORFLOW = ("tensorflow", "tensorflow_cpu")
MOST = 256  # programs that are kept, of some 400 kB each

# What TensorFlow tells as errors of every program that it loads, and is none: it looks for text first, and takes a
# preference of the compiler for a feature of the CPU.
NO_ERRORS = re.compile(rb"Error parsing text-format tensorflow\.XlaSerializedCacheEntry|feature \+prefer-no-")


def prepare(environ: MutableMapping[str, str]) -> None:
    """Names TensorFlow a folder of this process's own, before its runtime starts; one that is set already stays."""
    folder = Path(tempfile.gettempdir()) / f"{OURS}{os.getpid()}-{secrets.token_hex(8)}"
    if "persistent_cache_directory" not in environ.get(FLAGS, "") and not re.search(r"\s", str(folder)):
        environ[FLAGS] = f"{environ.get(FLAGS, '')} --tf_xla_persistent_cache_directory={folder}".strip()


@dataclass(frozen=True)
class CompileCache:
    """Where programs are kept, and where TensorFlow looks for them; both may be missing."""

    kept: Path
    exchange: Path
    surroundings: bytes

    @contextmanager
    def of(self, graph: bytes) -> Iterator[None]:
        """Has the program of a graph, which is compiled inside, taken from here or kept here."""
        path = self.kept / hashlib.sha256(self.surroundings + graph).hexdigest()
        self.exchange.mkdir(mode=0o700)
        try:
            found = _read(path)
            if found:
                (self.exchange / found[0]).write_bytes(found[1])
            with _without_no_errors() if found else nullcontext():
                yield
            for made in self.exchange.glob("*.pb"):
                if not found or made.name != found[0]:
                    _write(path, made)
        except BaseException:
            path.unlink(missing_ok=True)  # whatever it is, it is not taken again
            raise
        finally:
            shutil.rmtree(self.exchange, ignore_errors=True)


def find(data_dir: Path, environ: Mapping[str, str], cpuinfo: Path = Path("/proc/cpuinfo")) -> CompileCache | None:
    """Returns the cache of this machine and this version of TensorFlow; None where `prepare` named no folder."""
    flag = re.search(rf"_cache_directory=(\S*/{OURS}\S+)", environ.get(FLAGS, ""))
    if not flag:
        return None
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    cpu = sorted({line for line in lines if line.startswith(("model name", "flags", "Features", "CPU "))})
    versions = [each.version for name in TENSORFLOW for each in metadata.distributions(name=name)]
    switches = [f"{name}={environ.get(name)}" for name in DECIDING]
    surroundings = "\n".join([*cpu, *switches, *versions])
    return CompileCache(data_dir / FOLDER, Path(flag[1]), surroundings.encode())


def _read(path: Path) -> tuple[str, bytes] | None:
    """Returns the name that TensorFlow gave to a program, and the program; None for one that is damaged or missing."""
    try:
        digest, name, program = path.read_bytes().split(b"\n", 2)
    except (OSError, ValueError):
        return None
    if hashlib.sha256(name + b"\n" + program).hexdigest().encode() != digest:
        return None
    with suppress(OSError):
        os.utime(path)  # used: the oldest goes first
    return name.decode(), program


def _write(path: Path, made: Path) -> None:
    """Keeps a program, whole or not at all; a disk that takes none is no fault of the trial."""
    content = made.name.encode() + b"\n" + made.read_bytes()
    part = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(hashlib.sha256(content).hexdigest().encode() + b"\n" + content)
        part.replace(path)
        by_age = sorted(path.parent.iterdir(), key=lambda each: each.stat().st_mtime)
        for old in by_age[:-MOST]:
            old.unlink(missing_ok=True)


@contextmanager
def _without_no_errors() -> Iterator[None]:
    """Holds back what is written to stderr inside, and then tells it without `NO_ERRORS`."""
    sys.stderr.flush()
    before = os.dup(2)
    with tempfile.TemporaryFile() as told:
        os.dup2(told.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(before, 2)
            os.close(before)
            told.seek(0)
            rest = b"".join(line for line in told if not NO_ERRORS.search(line))
            os.write(2, rest)
