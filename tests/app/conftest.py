"""Workplaces, and servers beside the ones that the programs start themselves."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app import data
from app.commands.warm_server import WarmServer
from app.machine import device
from app.machine.children import Interrupts
from tests.app.programs import ROOT, MakeWorkplace, Trained, Workplace, runs
from tests.server.real_server import RunningServer, ending


@pytest.fixture(scope="session")
def prepared_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data set, prepared once for all tests that run whole sweeps."""
    folder = tmp_path_factory.mktemp("prepared")
    data.prepare({**os.environ, "DATA_DIR": str(folder)})
    return folder / "fashion-mnist"


@pytest.fixture(scope="session")
def make_workplace(tmp_path_factory: pytest.TempPathFactory, prepared_data: Path) -> MakeWorkplace:
    def make(name: str) -> Workplace:
        workplace = Workplace(tmp_path_factory.mktemp(name))
        workplace.data.mkdir()
        (workplace.data / "fashion-mnist").symlink_to(prepared_data)
        return workplace

    return make


@pytest.fixture
def workplace(make_workplace: MakeWorkplace, request: pytest.FixtureRequest) -> Iterator[Workplace]:
    """One for this test; nothing that it starts may outlive it."""
    place = make_workplace(request.node.name[:40])
    yield place
    assert place.left_running() == {}


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server that belongs to no workplace, as another machine's does."""
    with ending(RunningServer(tmp_path_factory.mktemp("other") / "data")) as running:
        yield running


@pytest.fixture(scope="session")
def trained(make_workplace: MakeWorkplace) -> Iterator[Trained]:
    """Two trials of two epochs."""
    place = make_workplace("trained")
    parameters = {"layer1_size": {"values": [8, 16]}, "epochs": {"value": 2}, "batch_size": {"value": 500}}
    place.write_sweep(["-m", "app.train"], parameters, name="small")
    code, output = place.run("up", AGENTS="2")
    assert code == 0, output
    server = RunningServer(place.data / "server")
    ids = {run.name: run.id for run in runs(server)}
    yield Trained(place, server, [ids["trial 1"], ids["trial 2"]])
    server.stop()


@pytest.fixture(scope="session")
def warm_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of trials that a warm server starts; it is one server for all tests."""
    environment = {**os.environ, "PYTHONHASHSEED": "0", "WARM": "1", "PYTHONPATH": str(ROOT)}
    device.configure(environment)
    running = WarmServer(environment, tmp_path_factory.mktemp("warm") / "warm.log")
    while not Path(running.environment["WARM_SOCKET"]).exists():
        assert running.news() is None
        time.sleep(0.05)
    yield running.environment
    running.stop(Interrupts())
