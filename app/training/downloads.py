"""Fashion-MNIST fetched over a network, by the distribution's package manager or by Keras.

Where nobody answers, both would try for a minute and a half: so the hosts that they would ask, and every proxy that
they could know, are looked at before. What cannot be told from outside is tried.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

from app.training import network
from app.training.data_places import KERAS_CACHE, PACKAGE, PACKAGE_DIRECTORY, DataError, Places, Source
from app.training.network import Address

APT_PROXY = re.compile(r'^Acquire::\S*proxy\S* "(.+)";$', re.IGNORECASE | re.MULTILINE)
APT_DETECTS = re.compile(r'^Acquire::\S*proxy-?auto-?detect\S* "(.+)";$', re.IGNORECASE | re.MULTILINE)
KERAS_MODULE = "src/datasets/fashion_mnist.py"


def elsewhere(places: Places) -> Iterator[Source]:
    """What to try over a network; where FASHION_MNIST_DIR says where the data is, nothing."""
    if places.given is not None:
        return
    unpacked, environ = places.data / PACKAGE, places.environ
    apt, keras = _apt_asks(environ), _keras_asks(environ)
    answering = network.answering({*apt, *keras})
    yield Source(
        "apt-get download",
        unpacked / PACKAGE_DIRECTORY,
        lambda: _download_package(unpacked, environ),
        silent=_silent(apt, answering),
    )
    yield Source(
        "Keras' download",
        places.keras / KERAS_CACHE,
        lambda: _download_with_keras(environ),
        silent=_silent(keras, answering),
    )


def _silent(asked: Iterable[Address], answering: set[Address]) -> str:
    hosts = sorted({host for host, _ in asked})
    return "" if not hosts or answering.intersection(asked) else ", ".join(hosts)


def _apt_asks(environ: Mapping[str, str]) -> set[Address]:
    """Who may answer apt, by its own sources and settings; nobody where that cannot be told."""
    try:
        addresses = [network.address(uri) for uri in _apt_uris(environ)]
        settings = _output(["apt-config", "dump"], environ)
    except (OSError, subprocess.SubprocessError):
        return set()
    if not addresses or None in addresses or APT_DETECTS.search(settings):  # from a disk, or by a proxy yet unknown
        return set()
    return _known([*addresses, *map(network.address, [*APT_PROXY.findall(settings), *network.proxies(environ)])])


def _apt_uris(environ: Mapping[str, str]) -> list[str]:
    return re.findall("^'([^']+)'", _output(["apt-get", "download", "--print-uris", PACKAGE], environ), re.MULTILINE)


def _keras_asks(environ: Mapping[str, str]) -> set[Address]:
    """Who may answer Keras, by its own source, which need not be imported."""
    found = find_spec("keras")
    modules = [Path(place, KERAS_MODULE) for place in (found and found.submodule_search_locations) or ()]
    urls = [
        url for module in modules if module.is_file() for url in re.findall('"(https?://[^"]+)"', module.read_text())
    ]
    return _known(map(network.address, [*urls, *network.proxies(environ)])) if urls else set()


def _known(addresses: Iterable[Address | None]) -> set[Address]:
    return {each for each in addresses if each}


def _download_package(target: Path, environ: Mapping[str, str]) -> None:
    """Fetches and unpacks the distribution's package, which needs no root."""
    if not (shutil.which("apt-get") and shutil.which("dpkg")):
        raise DataError("no apt-get here")
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="new-") as new:
        _quietly(["apt-get", "download", PACKAGE], environ, Path(new), limit_s=120)
        package = next(Path(new).glob("*.deb"), None)
        if package is None:
            raise DataError("it left no package")
        _quietly(["dpkg", "-x", package.name, "unpacked"], environ, Path(new), limit_s=60)
        shutil.rmtree(target, ignore_errors=True)
        os.replace(Path(new, "unpacked"), target)


def _download_with_keras(environ: Mapping[str, str]) -> None:
    # In a process of its own: it needs TensorFlow, which would stay in the memory of whoever asked.
    program = "from keras.datasets import fashion_mnist; fashion_mnist.load_data()"
    _quietly([sys.executable, "-c", program], environ, Path.cwd(), limit_s=600)


def _output(command: list[str], environ: Mapping[str, str]) -> str:
    return subprocess.run(
        command, env=dict(environ), timeout=30, check=True, capture_output=True, text=True, errors="replace"
    ).stdout


def _quietly(command: list[str], environ: Mapping[str, str], directory: Path, limit_s: float) -> None:
    try:
        subprocess.run(
            command, env=dict(environ), cwd=directory, timeout=limit_s, check=True, capture_output=True, text=True
        )
    except subprocess.TimeoutExpired:
        raise DataError(f"no end within {limit_s:.0f} s") from None
    except subprocess.CalledProcessError as error:
        raise DataError((error.stderr.strip().splitlines() or ["no reason given"])[-1]) from None
