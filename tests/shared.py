"""What tests share: what is costly is made once, by the worker that wants it first; each has one server for all."""

import fcntl
import json
import os
import shlex
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app import data
from app.commands.warm_server import WarmServer
from app.machine import device
from app.machine.children import Interrupts
from app.parent import warm
from app.training.data_places import MANIFEST
from app.training.data_sources import sha256_of
from tests import known_environment
from tests.app.programs import ROOT
from tests.server import warm_programs
from tests.server.real_server import RunningServer, ending

Make = Callable[[Path], None]
Once = Callable[[str, Make], Path]

# The socket of the warm server that all workers share; the process that starts them sets it.
SOCKET = "TESTS_WARM_SOCKET"


def pytest_sessionstart(session: pytest.Session) -> None:
    """Before workers start, that test side by side, starts what they share."""
    if session.config.option.numprocesses and not known_environment.is_worker():
        warm_programs.APP.share()
        warm_programs.CLIENT.share()
        warm_programs.SERVER.share()
        server = warm_server()
        os.environ[SOCKET] = server.environment[warm.SOCKET]
        session.config.add_cleanup(lambda: server.stop(Interrupts()))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(specs: list[Any]) -> None:
    """Has the workers forked from a process that has imported what they import of others."""
    for spec in specs:
        spec.python = shlex.join(warm_programs.WORKER.python())


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Once:
    """Gives a folder by its name, which the first that asks for it makes; the others wait."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if known_environment.is_worker() else base

    def made(name: str, make: Make) -> Path:
        folder, done = shared / name, shared / f"{name}.done"
        with (shared / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not done.exists():
                folder.mkdir()
                make(folder)
                done.touch()
        return folder

    return made


@pytest.fixture(scope="session")
def prepared_data(once: Once) -> Path:
    """The data set, prepared once for all tests that train."""

    def prepare(folder: Path) -> None:
        data.prepare({**os.environ, "DATA_DIR": str(folder)})

    return once("prepared", prepare) / "fashion-mnist"


@pytest.fixture(scope="session")
def fewer_images(once: Once, prepared_data: Path) -> Path:
    """A fifth of it, as sound a prepared copy, of 10,000, 2,000 and 2,000 images: enough to learn from."""

    def cut(folder: Path) -> None:
        (copy := folder / "fashion-mnist").mkdir()
        manifest = json.loads((prepared_data / MANIFEST).read_text())
        for name in manifest["arrays"]:
            array = np.load(prepared_data / f"{name}.npy")
            array = array[: len(array) // 5]
            np.save(copy / f"{name}.npy", array)
            manifest["arrays"][name] = sha256_of(array.data)
        (copy / MANIFEST).write_text(json.dumps(manifest))

    return once("cut", cut) / "fashion-mnist"


@pytest.fixture(scope="session")
def warm_environment() -> Iterator[dict[str, str]]:
    """The environment of trials that a warm server starts; it is one server for all tests."""
    running = warm_server()
    while not Path(running.environment[warm.SOCKET]).exists():
        assert running.news() is None
        time.sleep(0.05)
    yield running.environment
    running.stop(Interrupts())


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """One server for all tests that do not harm it; it belongs to no workplace, as another machine's does."""
    with ending(RunningServer(tmp_path_factory.mktemp("server") / "data")) as running:
        yield running


def warm_server() -> WarmServer:
    """A warm server, or what is to be known of the one that the workers share."""
    environment = {**os.environ, "PYTHONHASHSEED": "0", "WARM": "1", "PYTHONPATH": str(ROOT)}
    environment[warm.SOCKET] = os.environ.get(SOCKET, "")
    device.configure(environment)
    return WarmServer(environment, Path(os.devnull))
