"""Fashion-MNIST fetched over a network, by the distribution's package manager or by Keras."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from app.training.data_places import KERAS_CACHE, PACKAGE, PACKAGE_DIRECTORY, DataError, Places, Source


def elsewhere(places: Places) -> Iterator[Source]:
    """What to try over a network."""
    if places.given is not None:
        return
    unpacked = places.data / PACKAGE
    yield Source("apt-get download", unpacked / PACKAGE_DIRECTORY, lambda: _download_package(unpacked))
    yield Source("Keras' download", places.keras / KERAS_CACHE, _download_with_keras)


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
