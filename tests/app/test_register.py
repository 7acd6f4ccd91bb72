"""A sweep is registered once, whoever asks, how often and from where."""

import re
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import wandb

from app import settings
from app.commands import target
from app.commands.target import Wanted
from app.settings import SettingError, Settings
from tests.app.programs import ROOT, MakeWorkplace, Workplace, ending
from tests.server.real_server import RunningServer

GRID = "method: grid\nparameters:\n  size: {values: [1, 2]}\n"


@pytest.fixture
def there(workplace: Workplace, server: RunningServer, request: pytest.FixtureRequest) -> Workplace:
    """A workplace whose `.env` names a running server, and a project of the test's own on it."""
    workplace.write_env_file(f"WANDB_BASE_URL={server.url}\nWANDB_API_KEY={server.api_key}\n")
    workplace.variables["WANDB_PROJECT"] = request.node.name
    workplace.write_quick_sweep(size=[1, 2])
    return workplace


@pytest.fixture
def api(server: RunningServer) -> wandb.Api:
    return server.api()


def settings_for(file: Path, **variables: str) -> Settings:
    return settings.read({"SWEEP": str(file), **variables}, {})


def name_of(tmp_path: Path, text: str, identity: str = "embedded", **variables: str) -> str:
    file = tmp_path / "grid.yaml"
    file.write_text(text)
    return target.of(settings_for(file, **variables), identity).name


def sweeps(api: wandb.Api, project: str) -> list[Any]:
    return list(api.project(project).sweeps())


def test_the_name_tells_the_file_and_its_key(tmp_path: Path) -> None:
    name = name_of(tmp_path, GRID)

    assert name.split(" #")[0] == "grid"
    assert len(name.split(" #")[1]) == 6
    assert name_of(tmp_path, f"name: mine\n{GRID}").startswith("mine #")


def test_the_label_stands_in_the_name(tmp_path: Path) -> None:
    assert re.fullmatch(r"grid · second try #\w{6}", name_of(tmp_path, GRID, NEW="second try"))


def test_a_sweep_that_was_named_without_its_label_is_found(
    there: Workplace, server: RunningServer, api: wandb.Api
) -> None:
    project = there.variables["WANDB_PROJECT"]
    file = Path(there.variables["SWEEP"])
    wanted = wanted_by(settings_for(file, WANDB_PROJECT=project, NEW="again"), server.url)
    register_by_hand(replace(wanted, name=wanted.unlabelled), there.environment(**server.env(there.folder)))
    (former,) = sweeps(api, project)

    assert "again" in wanted.name
    assert "again" not in former.name
    assert wanted.find(api) == f"local/{project}/{former.id}"


def test_the_key_is_that_of_what_the_file_says_not_of_how_it_is_written(tmp_path: Path) -> None:
    rewritten = "# a comment\nparameters:\n  size:\n    values: [1, 2]\nmethod: grid\n"

    assert name_of(tmp_path, rewritten) == name_of(tmp_path, GRID)


def test_another_search_project_backend_or_label_is_another_sweep(tmp_path: Path) -> None:
    names = {
        name_of(tmp_path, GRID),
        name_of(tmp_path, GRID.replace("[1, 2]", "[1, 3]")),
        name_of(tmp_path, GRID, WANDB_PROJECT="other"),
        name_of(tmp_path, GRID, identity="https://api.wandb.ai"),
        name_of(tmp_path, GRID, NEW="again"),
    }

    assert len(names) == 5


def test_a_missing_file_is_told_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(SettingError) as caught:
        target.of(settings_for(Path("sweeps/layersize.yaml")), "embedded")

    assert "Did you mean sweeps/layer_size.yaml?" in caught.value.message


def test_registering_again_finds_the_sweep_from_another_directory_too(
    there: Workplace, make_workplace: MakeWorkplace, api: wandb.Api
) -> None:
    project = there.variables["WANDB_PROJECT"]
    elsewhere = make_workplace("second_machine")
    elsewhere.write_env_file((there.folder / ".env").read_text())
    elsewhere.variables |= {"SWEEP": there.variables["SWEEP"], "WANDB_PROJECT": project}

    first, said = there.run("register", plain=True)
    started = [place.start("register") for place in (there, elsewhere)]
    again = [ending(process) for process in started]

    assert (first, [code for code, _ in again]) == (0, [0, 0])
    assert "registered." in said
    assert all("goes on: 0 of 2 runs finished." in output for _, output in again)
    assert len(sweeps(api, project)) == 1


def test_two_that_register_at_once_use_one_sweep(there: Workplace, api: wandb.Api) -> None:
    started = [there.start("register") for _ in range(2)]

    codes = [ending(process)[0] for process in started]

    assert codes == [0, 0]
    assert len(sweeps(api, there.variables["WANDB_PROJECT"])) == 1


def test_of_two_with_one_name_the_older_is_used(there: Workplace, server: RunningServer, api: wandb.Api) -> None:
    project = there.variables["WANDB_PROJECT"]
    wanted = wanted_by(settings_for(Path(there.variables["SWEEP"]), WANDB_PROJECT=project), server.url)
    register_by_hand(wanted, there.environment(**server.env(there.folder)))
    (older,) = sweeps(api, project)
    time.sleep(1.1)  # W&B tells the time of a sweep in whole seconds
    register_by_hand(wanted, there.environment(**server.env(there.folder)))

    found = wanted.find(api)

    assert len(sweeps(api, project)) == 2
    assert found == f"local/{project}/{older.id}"


def test_a_project_that_is_not_there_has_no_sweep(api: wandb.Api, tmp_path: Path) -> None:
    (tmp_path / "grid.yaml").write_text(GRID)
    wanted = wanted_by(settings_for(tmp_path / "grid.yaml"), "embedded")

    assert replace(wanted, project="no-such-project").find(api) is None


def test_a_team_of_the_cloud_is_not_looked_for_on_the_embedded_server(workplace: Workplace) -> None:
    workplace.write_quick_sweep(size=[1])
    server = RunningServer(workplace.data / "server")
    try:
        first, again = (workplace.run("register", WANDB_ENTITY="team") for _ in range(2))
    finally:
        server.stop()

    assert (first[0], again[0]) == (0, 0), first[1] + again[1]
    assert "registered." in first[1]
    assert "goes on: 0 of 1 runs finished." in again[1]


def test_a_mistake_in_the_file_is_told_with_its_place_and_nothing_is_sent(there: Workplace, api: wandb.Api) -> None:
    project = there.variables["WANDB_PROJECT"]
    Path(there.variables["SWEEP"]).write_text("method: gird\nparameters:\n  size: {value: [1]}\n")

    code, output = there.run("register")

    assert code == 2
    assert "sweep.yaml:1:1: `method` is 'gird'. Did you mean `grid`?" in output
    assert "Traceback" not in output
    assert project not in [each.name for each in api.projects("local")]


def test_our_own_key_is_taken_out_for_other_servers(there: Workplace, api: wandb.Api) -> None:
    path = Path(there.variables["SWEEP"])
    path.write_text(f"{GRID}x-sweep: {{retries: 0}}\n")

    code, output = there.run("register")

    assert code == 0, output
    (found,) = sweeps(api, there.variables["WANDB_PROJECT"])
    assert "x-sweep" not in found.config
    assert "parameters" in found.config


def test_what_the_server_refuses_is_told_in_its_words(there: Workplace) -> None:
    path = there.write_sweep(["-m", "app.train"], {"layer1_size": {"values": [1]}}, method="custom")

    code, output = there.run("register")

    assert code == 1
    assert f"Error: the backend refused {path}: method `custom` needs a `scheduler` that suggests" in output
    assert "Traceback" not in output


def test_without_a_server_it_says_how_to_start_one(workplace: Workplace) -> None:
    workplace.write_quick_sweep(size=[1])

    code, output = workplace.run("register")

    assert code == 1
    assert "`make up` and `make serve` start one." in output


def wanted_by(settings: Settings, identity: str) -> Wanted:
    wanted = target.of(settings, identity)
    assert isinstance(wanted, Wanted)
    return wanted


def register_by_hand(wanted: Wanted, environment: dict[str, str]) -> None:
    command = ["-m", "wandb", "sweep", "--project", wanted.project, "--name", wanted.name, str(wanted.file)]
    subprocess.run([sys.executable, *command], cwd=ROOT, env=environment, check=True, capture_output=True)
