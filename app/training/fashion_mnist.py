"""Fashion-MNIST on this machine: found, verified and prepared once, then opened in milliseconds by every trial."""

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.machine import lock
from app.training.data_places import MANIFEST, DataError, Places
from app.training.data_sources import find, sha256_of

# Held out for validation. The choice is fixed, not the trial's: a sweep compares trials by their validation
# figures, so all of them must be measured on the same images, whatever seed they train with.
VALIDATION_IMAGES = 10_000
SPLIT_SEED = 20_170_825

Arrays = Mapping[str, NDArray[np.uint8]]


def prepare(places: Places, download: bool = True) -> str:
    """Makes the prepared copy unless a sound one is there.

    Safe with several processes at once: one works, the others wait for it.

    Args:
        download: whether it may be fetched from a network.

    Returns:
        One line: where the data came from and where it is.

    Raises:
        DataError: if no source has it, or DATA_DIR cannot be written.
    """
    try:
        if _open(places.prepared) is None:
            _prepare(places, download)
    except OSError as error:
        raise DataError(
            f"cannot prepare the data in {places.prepared}: {error}. Set DATA_DIR to another folder."
        ) from None
    source = json.loads((places.prepared / MANIFEST).read_text())["source"]
    return f"Fashion-MNIST from {source}, prepared in {places.prepared}"


def _prepare(places: Places, download: bool) -> None:
    with lock.held(places.prepared / ".lock"):
        if _open(places.prepared) is None:  # nobody else made it while we waited
            _write(places.prepared, *find(places, download))


def load(places: Places) -> tuple[Arrays, str]:
    """Opens the prepared copy, and makes it first if there is none or a damaged one, of what lies on this machine.

    Returns:
        {train,validation,test}_images, uint8[n, 28, 28], and _labels, uint8[n], mapped from files;
        the SHA-256 that names this data and this split.

    Raises:
        DataError: as `prepare` does, in a second: on a node without a network nobody should wait for one.
    """
    opened = _open(places.prepared)
    if opened is None:
        print(prepare(places, download=False))
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
    return (arrays, sha256_of(json.dumps(manifest["arrays"], sort_keys=True).encode())) if sound else None


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
    return {name: sha256_of(array.data) for name, array in arrays.items()}
