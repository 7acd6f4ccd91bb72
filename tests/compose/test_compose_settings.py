"""The same settings give the same sweep with and without containers."""

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.commands.setup import Setup
from tests.compose.conftest import Clone
from tests.compose.deployment import Deployment

pytestmark = pytest.mark.docker

KEY = "k" * 40
CASES = {
    "nothing is set": ("", {}),
    "the file": ("SWEEP=sweeps/random.yaml\nNEW=a\nTHREADS=2\nWANDB_PROJECT=p\n", {}),
    "the shell": ("", {"SWEEP": "sweeps/random.yaml", "NEW": "b", "WANDB_PROJECT": "q"}),
    "the shell before the file": ("NEW=a\nSWEEP_ID=e/p/id1\n", {"NEW": "b", "SWEEP_ID": "e/p/id2"}),
    "an empty value": ("NEW=\nSWEEP=\n", {"NEW": "", "THREADS": ""}),
    "the cloud": (f"WANDB_API_KEY={KEY}\nWANDB_ENTITY=team\n", {}),
    "quotes": (f"WANDB_API_KEY='{KEY}'\nexport NEW=\"a b\"\n", {}),
    "another server": (f"WANDB_API_KEY={KEY}\nWANDB_BASE_URL=http://10.0.0.2:8080/\n", {}),
    "a key of the shell": ("", {"WANDB_API_KEY": KEY, "WANDB_BASE_URL": "http://10.0.0.2"}),
    "a key of the shell and one of the file": (f"WANDB_API_KEY={KEY}\n", {"WANDB_API_KEY": "x" * 40}),
    "another variable": ("WANDB_TAGS=a\nOTHER=1\n", {}),
}


@pytest.fixture(scope="module")
def settings_clone(clone: Clone) -> Deployment:
    return clone("settings")


@pytest.mark.parametrize("name", CASES)
def test_settings_and_backend_are_chosen_alike(settings_clone: Deployment, name: str) -> None:
    text, shell = CASES[name]
    (settings_clone.folder / ".env").write_text(text)

    inside = in_container(settings_clone, "register", shell)
    outside = Setup.read({**shell, "ENV_FILE": str(settings_clone.folder / ".env")})

    assert comparable(inside) == comparable(outside)
    assert inside.backend == outside.backend
    assert {line for line in inside.notes() if "Backend" in line} <= set(outside.notes())


def test_register_agents_and_report_get_the_same(settings_clone: Deployment) -> None:
    (settings_clone.folder / ".env").write_text(f"WANDB_API_KEY={KEY}\nNEW=a\n")

    setups = [in_container(settings_clone, service, {"SWEEP": "x"}) for service in ("register", "agent", "report")]

    assert setups[0] == setups[1] == setups[2]


@pytest.mark.parametrize(("shell", "agents"), [({}, 3), ({"AGENTS": "5"}, 5)])
def test_the_number_of_agents_is_a_setting(settings_clone: Deployment, shell: dict[str, str], agents: int) -> None:
    (settings_clone.folder / ".env").write_text("")

    assert config(settings_clone, shell)["services"]["agent"]["scale"] == agents


def test_one_line_in_the_file_gives_the_agents_the_gpus_and_all_the_image_for_them(settings_clone: Deployment) -> None:
    (settings_clone.folder / ".env").write_text("COMPOSE_FILE=docker-compose.yml:compose.gpu.yml\n")

    services = config(settings_clone, {})["services"]

    (device,) = services["agent"]["deploy"]["resources"]["reservations"]["devices"]
    assert (device["driver"], device["count"], device["capabilities"]) == ("nvidia", -1, ["gpu"])
    assert {services[name]["image"] for name in ("register", "agent", "report")} == {"tf-sweeps-trainer-gpu"}
    assert services["register"]["build"]["target"] == "trainer-gpu"


def test_no_service_is_ever_pulled(settings_clone: Deployment) -> None:
    (settings_clone.folder / ".env").write_text("")

    services = config(settings_clone, {})["services"]

    assert {service["pull_policy"] for service in services.values()} == {"never"}


@pytest.mark.slow
def test_a_dry_run_tells_the_plan_registers_nothing_and_ends_with_0(clone: Clone) -> None:
    deployment = clone("dry")
    deployment.variables["DRY"] = "1"

    deployment.compose("up", "-d")
    for service in ("register", "agent", "report"):
        deployment.wait_until_ended(service)

    plan = deployment.logs("register").splitlines()
    assert "Dry run of sweeps/layer_size.yaml: nothing is registered, and no agent starts." in plan
    assert "Runs: 5." in plan
    assert "Time: unknown until a trial has run." in plan
    assert "Dry run: no agent starts." in deployment.logs("agent")
    assert "Dry run: there is nothing to wait for." in deployment.logs("report")
    assert deployment.exit_codes("register") == deployment.exit_codes("report") == [0]
    assert deployment.exit_codes("agent") == [0, 0, 0]
    with pytest.raises(ValueError, match="Could not find project"):  # it comes with the first sweep
        deployment.sweeps()


def config(deployment: Deployment, shell: dict[str, str]) -> dict[str, Any]:
    done = deployment.compose("config", "--format", "json", code=0, **shell)
    return dict(json.loads(done.stdout))


def in_container(deployment: Deployment, service: str, shell: dict[str, str]) -> Setup:
    """What a container of the service would start from."""
    environment = config(deployment, shell)["services"][service]["environment"]
    assert isinstance(environment, dict)
    return Setup.read({name: str(value) for name, value in environment.items()})


def comparable(setup: Setup) -> object:
    """The settings without those that say where things are, which differ on purpose."""
    files = replace(setup.settings, data_dir=Path(os.sep), fashion_mnist_dir="", gpu_slots_dir=None)
    return replace(files, server_url="", public_url="", agents=None, port=0)
