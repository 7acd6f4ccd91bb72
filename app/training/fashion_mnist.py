"""Fashion-MNIST on this machine: found, verified and prepared once, then opened in milliseconds by every trial."""

import contextlib
import fcntl
import gzip
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

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
MANIFEST = "manifest.json"  # of a prepared copy, written last

# Held out for validation. The choice is fixed, not the trial's: a sweep compares trials by their validation
# figures, so all of them must be measured on the same images, whatever seed they train with.
VALIDATION_IMAGES = 10_000
SPLIT_SEED = 20_170_825

Arrays = Mapping[str, NDArray[np.uint8]]


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


def prepare(places: Places) -> str:
    """Makes the prepared copy unless a sound one is there.

    Safe with several processes at once: one works, the others wait for it.

    Returns:
        One line: where the data came from and where it is.

    Raises:
        DataError: if no source has it, or DATA_DIR cannot be written.
    """
    try:
        if _open(places.prepared) is None:
            _prepare(places)
    except OSError as error:
        raise DataError(
            f"cannot prepare the data in {places.prepared}: {error}. Set DATA_DIR to another folder."
        ) from None
    source = json.loads((places.prepared / MANIFEST).read_text())["source"]
    return f"Fashion-MNIST from {source}, prepared in {places.prepared}"


def _prepare(places: Places) -> None:
    places.prepared.mkdir(parents=True, exist_ok=True)
    with _lock(places.prepared / ".lock"):
        if _open(places.prepared) is None:  # nobody else made it while we waited
            _write(places.prepared, *_find(places))


def load(places: Places) -> tuple[Arrays, str]:
    """Opens the prepared copy, and makes it first if there is none or a damaged one.

    Returns:
        {train,validation,test}_images, uint8[n, 28, 28], and _labels, uint8[n], mapped from files;
        the SHA-256 that names this data and this split.

    Raises:
        DataError: as `prepare` does.
    """
    opened = _open(places.prepared)
    if opened is None:
        print(prepare(places))
        opened = _open(places.prepared)
    if opened is None:
        raise DataError(f"the data in {places.prepared} was damaged while it was opened. Start again.")
    return opened


def _open(directory: Path) -> tuple[Arrays, str] | None:
    """Maps and checks the prepared files; reading and hashing all 55 MB takes about 30 ms."""
    try:
        manifest = json.loads((directory / MANIFEST).read_text())
        arrays = {name: np.load(directory / f"{name}.npy", mmap_mode="r") for name in manifest["arrays"]}
        sound = manifest["split"] == _split() and manifest["arrays"] == _hashes(arrays)
    except (OSError, EOFError, ValueError, KeyError, TypeError):
        return None
    return (arrays, _hash(json.dumps(manifest["arrays"], sort_keys=True).encode())) if sound else None


def _write(directory: Path, source: str, contents: Mapping[str, bytes]) -> None:
    # Each file appears by one rename and the manifest last: who reads meanwhile sees a sound copy or none.
    arrays = _arrays(contents)
    manifest = {"source": source, "split": _split(), "arrays": _hashes(arrays)}
    with tempfile.TemporaryDirectory(dir=directory, prefix="new-") as new:
        for name, array in arrays.items():
            np.save(Path(new, f"{name}.npy"), array)
        Path(new, MANIFEST).write_text(json.dumps(manifest, indent=2))
        for name in [*(f"{name}.npy" for name in arrays), MANIFEST]:
            os.replace(Path(new, name), directory / name)


def _arrays(contents: Mapping[str, bytes]) -> Arrays:
    images, test_images = (_images(contents[f"{part}-images-idx3-ubyte"]) for part in ("train", "t10k"))
    labels, test_labels = (_labels(contents[f"{part}-labels-idx1-ubyte"]) for part in ("train", "t10k"))
    # numpy promises the stream of RandomState for ever, that of default_rng only within a version.
    order = np.random.RandomState(SPLIT_SEED).permutation(len(images))
    held_out, kept = order[:VALIDATION_IMAGES], order[VALIDATION_IMAGES:]
    return {
        "train_images": images[kept],
        "train_labels": labels[kept],
        "validation_images": images[held_out],
        "validation_labels": labels[held_out],
        "test_images": test_images,
        "test_labels": test_labels,
    }


def _images(content: bytes) -> NDArray[np.uint8]:
    return np.frombuffer(content, np.uint8, offset=16).reshape(-1, 28, 28)


def _labels(content: bytes) -> NDArray[np.uint8]:
    return np.frombuffer(content, np.uint8, offset=8)


def _split() -> dict[str, int]:
    return {"validation_images": VALIDATION_IMAGES, "seed": SPLIT_SEED}


def _hashes(arrays: Arrays) -> dict[str, str]:
    return {name: _hash(array.data) for name, array in arrays.items()}


def _hash(content: bytes | memoryview) -> str:
    return hashlib.sha256(content).hexdigest()


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _find(places: Places) -> tuple[str, dict[str, bytes]]:
    """Returns the first sound source's name and its files' contents."""
    failures = []
    for source in _sources(places):
        try:
            return source.name, _read(source.directory())
        except DataError as error:
            failures.append(f"{source.name}: {error}")
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
    if _hash(content) != sha256:
        raise DataError(f"{path} is damaged or another data set (SHA-256 {_hash(content)}, expected {sha256})")
    return content


@dataclass(frozen=True)
class _Source:
    name: str
    place: Path
    fetch: Callable[[], None] = lambda: None

    def directory(self) -> Path:
        self.fetch()
        return self.place


def _sources(places: Places) -> Iterator[_Source]:
    """Yields what to try in order: what was asked for, what lies on this machine, then the network."""
    if places.given is not None:
        yield _Source(f"FASHION_MNIST_DIR={places.given}", places.given)
        return
    unpacked, cache = places.data / PACKAGE, places.keras / "datasets" / "fashion-mnist"
    yield _Source(f"the package {PACKAGE}", "/" / PACKAGE_DIRECTORY)
    yield _Source(f"the package unpacked in {unpacked}", unpacked / PACKAGE_DIRECTORY)
    yield _Source(f"Keras' cache {cache}", cache)
    yield _Source("apt-get download", unpacked / PACKAGE_DIRECTORY, lambda: _download_package(unpacked))
    yield _Source("Keras' download", cache, _download_with_keras)


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
