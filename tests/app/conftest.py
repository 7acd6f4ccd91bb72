"""Workplaces, and servers beside the ones that the programs start themselves."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.training.data_places import KERAS_CACHE, PACKAGE, PACKAGE_DIRECTORY, Places
from tests.app.programs import MakeWorkplace, Trained, Workplace, runs
from tests.server.real_server import RunningServer
from tests.shared import Once


@pytest.fixture(scope="session")
def make_workplace(tmp_path_factory: pytest.TempPathFactory, fewer_images: Path) -> MakeWorkplace:
    def make(name: str) -> Workplace:
        workplace = Workplace(tmp_path_factory.mktemp(name))
        workplace.data.mkdir()
        (workplace.data / "fashion-mnist").symlink_to(fewer_images)
        return workplace

    return make


@pytest.fixture(scope="session")
def source(prepared_data: Path) -> Path:
    """Where the data set's own files lie on this machine, now that it is prepared."""
    places = Places.of({**os.environ, "DATA_DIR": str(prepared_data.parent)})
    unpacked = places.data / PACKAGE / PACKAGE_DIRECTORY
    found = [places.given, "/" / PACKAGE_DIRECTORY, unpacked, places.keras / KERAS_CACHE]
    return next(path for path in found if path and (path / "train-labels-idx1-ubyte.gz").exists())


@pytest.fixture
def workplace(make_workplace: MakeWorkplace, request: pytest.FixtureRequest) -> Iterator[Workplace]:
    """One for this test; nothing that it starts may outlive it."""
    place = make_workplace(request.node.name[:40])
    yield place
    assert place.left_running() == {}


@pytest.fixture(scope="session")
def trained(once: Once, make_workplace: MakeWorkplace, warm_environment: dict[str, str]) -> Iterator[Trained]:
    """Two trials of two epochs, trained once; each worker has them in a folder of its own."""
    place = make_workplace("trained")
    place.variables["WARM_SOCKET"] = warm_environment["WARM_SOCKET"]
    parameters = {"layer1_size": {"values": [8, 16]}, "epochs": {"value": 2}, "batch_size": {"value": 100}}
    place.write_sweep(["-m", "app.train"], parameters, name="small")

    def train(folder: Path) -> None:
        code, output = place.run("up", AGENTS="2")
        assert code == 0, output
        shutil.copytree(place.data / "server", folder / "server")

    shutil.copytree(once("trained", train), place.data, dirs_exist_ok=True)
    server = RunningServer(place.data / "server")
    ids = {run.name: run.id for run in runs(server)}
    yield Trained(place, server, [ids["trial 1"], ids["trial 2"]])
    server.stop()
