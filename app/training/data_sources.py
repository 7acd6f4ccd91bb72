"""Where Fashion-MNIST may come from: a folder, the distribution's package, Keras' cache, or a network."""

import gzip
import hashlib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from app.training import downloads
from app.training.data_places import KERAS_CACHE, PACKAGE, PACKAGE_DIRECTORY, Absent, DataError, Places, Source

# SHA-256 of the decompressed files: distributions compress them anew, so only the contents are the same everywhere.
FILES = {
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}


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
    for source in chain(_here(places), downloads.elsewhere(places) if download else ()):
        try:
            return source.name, _read(source.directory())
        except Absent as error:
            failures += [f"{source.name}: {error}"] if places.given else []
        except DataError as error:
            failures.append(f"{source.name}: {error}")
    if not download and places.given is None:
        raise DataError(
            f"There is no sound copy of the data in {places.prepared}, and trials download none. "
            "Run `make prepare` once with this DATA_DIR, on a machine that has a network."
        )
    raise DataError(
        f"Fashion-MNIST was not found ({'; '.join(failures)}). Run `make prepare` with this DATA_DIR on a "
        f"machine that has a network, or install Debian's or Ubuntu's package {PACKAGE}, "
        f"or set FASHION_MNIST_DIR to a folder with {', '.join(FILES)} (.gz or not)."
    )


def _read(directory: Path) -> dict[str, bytes]:
    return {name: _verified(directory / name, sha256) for name, sha256 in FILES.items()}


def _verified(path: Path, sha256: str) -> bytes:
    """Returns the decompressed content of `path` or `path`.gz."""
    zipped = path.with_name(f"{path.name}.gz")
    try:
        content = gzip.decompress(zipped.read_bytes()) if zipped.exists() else path.read_bytes()
    except FileNotFoundError:
        raise Absent(f"no {zipped}") from None
    except (OSError, EOFError, ValueError) as error:
        raise DataError(f"{zipped} cannot be read: {error}") from None
    if sha256_of(content) != sha256:
        raise DataError(f"{path} is damaged or another data set (SHA-256 {sha256_of(content)}, expected {sha256})")
    return content


def _here(places: Places) -> Iterator[Source]:
    """What to try on this machine, in order: what was asked for and nothing else, or the usual places."""
    if places.given is not None:
        yield Source(f"FASHION_MNIST_DIR={places.given}", places.given)
        return
    unpacked, cache = places.data / PACKAGE, places.keras / KERAS_CACHE
    yield Source(f"the package {PACKAGE}", "/" / PACKAGE_DIRECTORY)
    yield Source(f"the package unpacked in {unpacked}", unpacked / PACKAGE_DIRECTORY)
    yield Source(f"Keras' cache {cache}", cache)


def sha256_of(content: bytes | memoryview) -> str:
    return hashlib.sha256(content).hexdigest()
