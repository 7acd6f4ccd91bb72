"""Where Fashion-MNIST may come from: a folder, the distribution's package, Keras' cache, or a network."""

import gzip
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from terms.record import NO_INPUT_EXIT_CODE

# SHA-256 of the decompressed files: distributions compress them anew, so only the contents are the same everywhere.
FILES = {
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}
PACKAGE = "dataset-fashion-mnist"
PACKAGE_DIRECTORY = Path("usr/share/datasets/fashion-mnist")
KERAS_CACHE = Path("datasets/fashion-mnist")
MANIFEST = "manifest.json"  # of a prepared copy, written last


class DataError(Exception):
    """The data cannot be had; the message says why and what to do."""

    exit_code = NO_INPUT_EXIT_CODE  # told from a failure of the program


@dataclass(frozen=True)
class Places:
    """Where the data may be and where it is kept."""

    data: Path
    given: Path | None
    keras: Path

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> "Places":
        """Reads DATA_DIR (default `data`), FASHION_MNIST_DIR and KERAS_HOME."""
        given = environ.get("FASHION_MNIST_DIR")
        return cls(
            data=Path(environ.get("DATA_DIR") or "data"),
            given=Path(given) if given else None,
            keras=Path(environ.get("KERAS_HOME") or Path.home() / ".keras"),
        )

    @property
    def prepared(self) -> Path:
        """Where the prepared copy is or will be: FASHION_MNIST_DIR, if that holds one (as images do), or DATA_DIR."""
        if self.given is not None and (self.given / MANIFEST).exists():
            return self.given
        return self.data / "fashion-mnist"


def find(places: Places, download: bool) -> tuple[str, dict[str, bytes]]:
    """Finds the first sound source.

    Args:
        download: whether to look beyond this machine.

    Returns:
        Its name and its files' contents.

    Raises:
        DataError: if none is sound, with what to do.
    """
    failures = []
    for source in [*_here(places), *(_elsewhere(places) if download else ())]:
        try:
            return source.name, _read(source.directory())
        except DataError as error:
            failures.append(f"{source.name}: {error}")
    if not download and places.given is None:
        raise DataError(
            f"There is no sound copy of the data in {places.prepared}, and trials download none. "
            "Run `python -m app prepare` once with this DATA_DIR, on a machine that has a network."
        )
    raise DataError(
        f"Fashion-MNIST was not found ({'; '.join(failures)}). Install Debian's or Ubuntu's package {PACKAGE}, "
        f"or set FASHION_MNIST_DIR to a folder with {', '.join(FILES)} (.gz or not), "
        "or let this machine reach the internet once."
    )


def _read(directory: Path) -> dict[str, bytes]:
    return {name: _verified(directory / name, sha256) for name, sha256 in FILES.items()}


def _verified(path: Path, sha256: str) -> bytes:
    """Returns the decompressed content of `path` or `path`.gz."""
    zipped = path.with_name(f"{path.name}.gz")
    try:
        content = gzip.decompress(zipped.read_bytes()) if zipped.exists() else path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"no {zipped}") from None
    except (OSError, EOFError, ValueError) as error:
        raise DataError(f"{zipped} cannot be read: {error}") from None
    if sha256_of(content) != sha256:
        raise DataError(f"{path} is damaged or another data set (SHA-256 {sha256_of(content)}, expected {sha256})")
    return content


@dataclass(frozen=True)
class _Source:
    name: str
    place: Path
    fetch: Callable[[], None] = lambda: None

    def directory(self) -> Path:
        self.fetch()
        return self.place


def _here(places: Places) -> Iterator[_Source]:
    """What to try on this machine, in order: what was asked for and nothing else, or the usual places."""
    if places.given is not None:
        yield _Source(f"FASHION_MNIST_DIR={places.given}", places.given)
        return
    unpacked, cache = places.data / PACKAGE, places.keras / KERAS_CACHE
    yield _Source(f"the package {PACKAGE}", "/" / PACKAGE_DIRECTORY)
    yield _Source(f"the package unpacked in {unpacked}", unpacked / PACKAGE_DIRECTORY)
    yield _Source(f"Keras' cache {cache}", cache)


def _elsewhere(places: Places) -> Iterator[_Source]:
    """What to try over a network."""
    if places.given is not None:
        return
    unpacked = places.data / PACKAGE
    yield _Source("apt-get download", unpacked / PACKAGE_DIRECTORY, lambda: _download_package(unpacked))
    yield _Source("Keras' download", places.keras / KERAS_CACHE, _download_with_keras)


def _download_package(target: Path) -> None:
    """Fetches and unpacks the distribution's package, which needs no root."""
    if not (shutil.which("apt-get") and shutil.which("dpkg")):
        raise DataError("no apt-get here")
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="new-") as new:
        _quietly(["apt-get", "download", PACKAGE], Path(new), limit_s=120)
        package = next(Path(new).glob("*.deb"), None)
        if package is None:
            raise DataError("it left no package")
        _quietly(["dpkg", "-x", package.name, "unpacked"], Path(new), limit_s=60)
        shutil.rmtree(target, ignore_errors=True)
        os.replace(Path(new, "unpacked"), target)


def _download_with_keras() -> None:
    # In a process of its own: it needs TensorFlow, which would stay in the memory of whoever asked.
    program = "from keras.datasets import fashion_mnist; fashion_mnist.load_data()"
    _quietly([sys.executable, "-c", program], Path.cwd(), limit_s=600)


def _quietly(command: list[str], directory: Path, limit_s: float) -> None:
    try:
        subprocess.run(command, cwd=directory, timeout=limit_s, check=True, capture_output=True, text=True)
    except subprocess.TimeoutExpired:
        raise DataError(f"no end within {limit_s:.0f} s") from None
    except subprocess.CalledProcessError as error:
        raise DataError((error.stderr.strip().splitlines() or ["no reason given"])[-1]) from None


def sha256_of(content: bytes | memoryview) -> str:
    return hashlib.sha256(content).hexdigest()
