"""`docker compose up --scale agent=3` in a fresh clone with no `.env`: the tutorial's grid, with real TensorFlow."""

import http.cookiejar
import re
import urllib.request
from dataclasses import dataclass
from typing import Any

import pytest

from tests.compose.conftest import Clone
from tests.compose.deployment import Deployment, docker, inspect
from tests.patience import HANG_S

pytestmark = [pytest.mark.docker, pytest.mark.slow]

SIZES = [32, 64, 96, 128, 256]
TABLE_ROW = re.compile(r"^(?:report-1 +\|)? *trial \d .*\b0\.[78]\d+\b.*\bfinished\b", re.MULTILINE)


@dataclass
class Grid:
    """The grid, run once for all tests that look at it; its server is up."""

    deployment: Deployment
    said: list[str]

    def said_by(self, service: str) -> list[str]:
        """What the containers of a service said, without their names before each line."""
        lines = [line.partition(" | ") for line in self.said if line.startswith(service)]
        return [text for _, bar, text in lines if bar]


@pytest.fixture(scope="module")
def grid(clone: Clone) -> Grid:
    deployment = clone("grid")
    said = deployment.follow("up", "--scale", "agent=3", until="report-1 exited with code")
    deployment.wait_until_ended("agent")
    return Grid(deployment, said)


def test_the_grid_is_run_by_three_agents_each_point_once(grid: Grid) -> None:
    (sweep,) = grid.deployment.sweeps()
    runs = grid.deployment.runs()

    assert sweep.state == "FINISHED"
    assert len(sweep.agents()) == 3
    assert [run.state for run in runs] == ["finished"] * 5
    assert sorted(run.config["layer1_size"] for run in runs) == SIZES


def test_progress_is_told_and_then_the_best_runs(grid: Grid) -> None:
    report = grid.said_by("report-1")

    assert "0 of 5 runs finished, 3 running" in report
    assert any(re.match(r"[234] of 5 runs finished, .*best val_accuracy 0\.\d{4}", line) for line in report)
    assert sum(bool(TABLE_ROW.search(line)) for line in report) == 5
    assert report[-1] == "5 of 5 runs finished"


def test_it_says_first_which_backend_and_why(grid: Grid) -> None:
    first = grid.said_by("register-1")[0]

    assert first == "Backend: the embedded server: .env sets no WANDB_API_KEY, so no account and no network."


def test_all_but_the_server_end_with_0_and_the_server_stays(grid: Grid) -> None:
    states = {each["Name"].rpartition("-test-grid-")[2]: each["State"] for each in grid.deployment.containers()}

    assert states.pop("server-1")["Health"]["Status"] == "healthy"
    assert {name: state["ExitCode"] for name, state in states.items() if state["Status"] == "exited"} == {
        "register-1": 0, "agent-1": 0, "agent-2": 0, "agent-3": 0, "report-1": 0
    }  # fmt: skip


@pytest.mark.parametrize("service", ["server-1", "register-1", "report-1"])
def test_the_link_to_the_dashboard_opens_on_this_machine(grid: Grid, service: str) -> None:
    (link,) = re.findall(rf"{grid.deployment.url}/login\S+", "\n".join(grid.said_by(service)))

    page = Browser().open(link)

    assert "layer_size" in page


def test_the_links_of_the_client_open_there_too(grid: Grid) -> None:
    links = {link for line in grid.said_by("agent") for link in re.findall(r"http://\S+/local/\S+", line)}
    browser = Browser()
    browser.open(fresh_link(grid.deployment))

    assert {link.rpartition("/local/")[0] for link in links} == {grid.deployment.url}
    assert all(browser.open(link) for link in links)


def test_every_run_records_its_build(grid: Grid) -> None:
    image = docker("run", "--rm", "tf-sweeps-trainer-cpu", "cat", "/srv/build-id").strip()

    assert re.fullmatch("[0-9a-f]{64}", image)
    assert {run.config["provenance"]["build_id"] for run in grid.deployment.runs()} == {image}


def test_containers_are_nobody_s_way_to_the_machine(grid: Grid) -> None:
    for container in grid.deployment.containers():
        host = container["HostConfig"]

        assert container["Config"]["User"] == "10001:10001"
        assert host["ReadonlyRootfs"]
        assert host["CapDrop"] == ["ALL"]
        assert "no-new-privileges:true" in host["SecurityOpt"]
        assert host["Init"]
        assert host["PidsLimit"] > 0
        assert host["Memory"] > 0


def test_the_server_runs_as_nobody_special_and_writes_only_its_data(grid: Grid) -> None:
    server = grid.deployment

    assert server.compose("exec", "-T", "server", "id", "-u").stdout == "10001\n"
    assert "Read-only file system" in server.compose("exec", "-T", "server", "touch", "/srv/x", code=None).stderr
    assert server.compose("exec", "-T", "server", "stat", "-c", "%a", "/data/server/api-key").stdout == "600\n"


def test_the_dashboard_is_open_to_this_machine_only(grid: Grid) -> None:
    (server,) = grid.deployment.containers("server")

    assert {each["HostIp"] for bound in server["HostConfig"]["PortBindings"].values() for each in bound} == {
        "127.0.0.1"
    }


def test_up_again_registers_nothing_and_shows_the_table_again(grid: Grid) -> None:
    before = {run.id for run in grid.deployment.runs()}

    said = grid.deployment.follow("up", "--scale", "agent=3", until="report-1 exited with code")

    assert any(re.search(r"Sweep layer_size #\w{6} is finished already\. NEW=label", line) for line in said)
    assert "report-1 exited with code 0" in said[-1]
    assert sum(bool(TABLE_ROW.search(line)) for line in said) == 5
    assert len(grid.deployment.sweeps()) == 1
    assert {run.id for run in grid.deployment.runs()} == before


def test_the_report_is_on_stdout_and_the_rest_on_stderr(grid: Grid) -> None:
    done = grid.deployment.compose("run", "--rm", "--no-deps", "report")

    assert len(TABLE_ROW.findall(done.stdout)) == 5
    assert done.stdout.lstrip().startswith("Best runs of layer_size")
    assert "Backend:" in done.stderr


def test_down_and_up_finds_the_sweep_again(grid: Grid) -> None:
    grid.deployment.compose("down")

    done = grid.deployment.compose("run", "--rm", "report")

    assert len(TABLE_ROW.findall(done.stdout)) == 5
    assert len(grid.deployment.sweeps()) == 1


@pytest.mark.parametrize("target", ["server", "trainer-cpu"])
def test_images_hold_what_they_need_and_nothing_of_this_machine(grid: Grid, target: str) -> None:
    (image,) = inspect(f"tf-sweeps-{target}")
    listed = docker("run", "--rm", f"tf-sweeps-{target}", "find", "/srv", "/data", "/tmp", "-type", "f").splitlines()

    assert image["Config"]["User"] == "10001:10001"
    assert not [name for name in listed if "/.env" in name or "/.git" in name or "/tests/" in name or "/data/" in name]
    for source in (name for name in listed if name.endswith(".py")):
        folder, _, name = source.rpartition("/")
        assert any(other.startswith(f"{folder}/__pycache__/{name[:-3]}.") for other in listed), source


def test_a_taken_port_is_told(grid: Grid, clone: Clone) -> None:
    other = clone("taken")
    other.variables["PORT"] = grid.deployment.variables["PORT"]

    done = other.compose("up", "-d", "server", code=None)

    assert done.returncode != 0
    assert "port is already allocated" in done.stderr


def fresh_link(deployment: Deployment) -> str:
    """A link that nobody has opened yet."""
    said = deployment.compose("run", "--rm", "--no-deps", "report").stderr
    return str(re.findall(rf"{deployment.url}/login\S+", said)[0])


class Browser:
    """Keeps its session, as browsers do."""

    def __init__(self) -> None:
        jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self._opener = urllib.request.build_opener(jar, urllib.request.ProxyHandler({}))

    def open(self, link: str) -> str:
        with self._opener.open(link, timeout=HANG_S) as answer:
            text: Any = answer.read().decode()
        return str(text)
