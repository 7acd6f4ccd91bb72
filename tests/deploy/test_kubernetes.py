"""deploy/kubernetes as a cluster would read it: rendered by kubectl, held against schemas, rules and the product.

No cluster runs here. What the manifests start is run as processes, once.
"""

import copy
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.__main__ import main as app_commands
from app.commands import check
from app.commands.setup import Setup
from server.__main__ import DEFAULT_PORT
from server.__main__ import main as server_command
from tests.deploy import manifest_rules, manifests
from tests.deploy.manifest_harms import HARMS
from tests.deploy.manifests import ROOT, SOURCE, Manifest, named, of_kind, workloads
from tests.deploy.network_reach import NAMES_SERVER, OUTSIDE, reaches
from tests.deploy.pods import Pod, end, free_port

pytestmark = [pytest.mark.deploy, pytest.mark.slow]

KEY = "k" * 40
OVERLAYS = ("embedded", "cloud")
CLIENTS = ("tf-sweeps-register", "tf-sweeps-agents", "tf-sweeps-report")
Rendered = dict[tuple[str, bool], list[Manifest]]  # by overlay, and whether with its components


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("rendered")


@pytest.fixture(scope="module")
def rendered(folder: Path) -> Rendered:
    """Every overlay, without and with the components that its comment offers."""
    kubectl = manifests.find_kubectl()
    if kubectl is None:
        pytest.skip("no kubectl here, and only root on Debian can fetch one")
    return {
        (overlay, components): manifests.render(kubectl, overlay, folder, components)
        for overlay in OVERLAYS
        for components in (False, True)
    }


@pytest.fixture(scope="module")
def embedded(rendered: Rendered) -> list[Manifest]:
    return rendered["embedded", False]


def validate(*files: Path, version: str | None = None) -> subprocess.CompletedProcess[str]:
    validator = Path(sys.executable).with_name("kubernetes-validate")
    if not validator.exists():
        pytest.skip("no kubernetes-validate here: `make test-deploy` installs it")
    of_version = ["--kubernetes-version", version] if version else []
    return subprocess.run([validator, "--strict", "--quiet", *of_version, *files], capture_output=True, text=True)


def oldest() -> str:
    """The version that the README asks for."""
    found = re.search(r"^Kubernetes (\d\.\d+) or newer", (SOURCE / "README.md").read_text(), re.MULTILINE)
    assert found
    return found[1]


@pytest.mark.parametrize("version", [oldest(), None], ids=["oldest", "newest"])
def test_kubernetes_own_schemas_know_every_field(rendered: object, folder: Path, version: str | None) -> None:
    files = sorted(folder.glob("*.yaml"))

    done = validate(*files, version=version)

    assert len(files) == 4
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_an_older_kubernetes_than_the_readme_asks_for_would_not_do(rendered: object, folder: Path) -> None:
    major, minor = map(int, oldest().split("."))

    done = validate(folder / "cloud-False.yaml", version=f"{major}.{minor - 1}")

    assert done.returncode == 1
    assert "podFailurePolicy" in done.stdout + done.stderr


def test_a_field_that_is_none_is_told_by_the_schemas(embedded: list[Manifest], tmp_path: Path) -> None:
    harmed = copy.deepcopy(of_kind(embedded, "Job")["tf-sweeps-agents"])
    harmed["spec"]["backoffLimitPerIndexx"] = 4
    (tmp_path / "job.yaml").write_text(yaml.safe_dump(harmed))

    done = validate(tmp_path / "job.yaml")

    assert done.returncode == 1
    assert "backoffLimitPerIndexx" in done.stdout + done.stderr


def test_no_rule_that_schemas_do_not_tell_is_broken(rendered: Rendered) -> None:
    assert {of: manifest_rules.complaints(found) for of, found in rendered.items()} == {of: [] for of in rendered}


@pytest.mark.parametrize("complaint", HARMS)
def test_every_harm_is_told(embedded: list[Manifest], complaint: str) -> None:
    harmed = copy.deepcopy(embedded)

    HARMS[complaint](harmed)

    assert complaint in manifest_rules.complaints(harmed)


@pytest.mark.parametrize("components", [False, True])
@pytest.mark.parametrize("overlay", OVERLAYS)
@pytest.mark.parametrize("client", CLIENTS)
def test_the_product_reads_its_settings_as_the_overlay_means_them(
    rendered: Rendered, overlay: str, client: str, components: bool
) -> None:
    found = rendered[overlay, components]
    values = manifests.settings(found, named(found, client), f"{KEY}\n")  # as programs that make keys print them
    example = re.findall(r"^# ?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)

    setup = Setup.read(values)

    assert set(values) <= set(example)
    assert (setup.backend.kind, setup.backend.api_key) == {"embedded": ("embedded", ""), "cloud": ("cloud", KEY)}[
        overlay
    ]
    assert setup.settings.agents == 1  # in its own pod
    assert setup.settings.gpu_slots == (1 if components else 2)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_command_is_one_of_the_products(rendered: Rendered, overlay: str) -> None:
    for it in workloads(rendered[overlay, False]):
        python, flag, package, *arguments = it.container["command"]
        assert (python, flag) == ("python", "-m")
        group = {"app": app_commands, "server": server_command}[package]
        if package == "app":
            assert arguments[0] in group.commands
        else:
            group.make_context(package, list(arguments))  # raises for a flag that is not there


def test_clients_look_for_the_server_where_its_service_is(embedded: list[Manifest]) -> None:
    ((name, service),) = of_kind(embedded, "Service").items()
    (port,) = service["spec"]["ports"]
    links = manifests.settings(embedded, named(embedded, name), KEY)["PUBLIC_URL"]

    for client in CLIENTS:
        values = manifests.settings(embedded, named(embedded, client), KEY)
        assert (values["SERVER_URL"], values["PUBLIC_URL"]) == (f"http://{name}:{port['port']}", links)
    assert port["port"] == DEFAULT_PORT


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_gpu_and_its_image_are_given_by_one_line(rendered: Rendered, overlay: str) -> None:
    found = rendered[overlay, True]

    agents = named(found, "tf-sweeps-agents")

    assert agents.container["resources"]["limits"]["nvidia.com/gpu"] == 1
    assert {named(found, client).container["image"] for client in CLIENTS} == {
        "registry.example.com/tf-sweeps-trainer-gpu:1"
    }
    assert agents.volume("data") == {"name": "data", "persistentVolumeClaim": {"claimName": "tf-sweeps-data"}}


def test_the_server_alone_tells_of_ends_at_the_address_of_a_secret_by_one_line(rendered: Rendered) -> None:
    found = rendered["embedded", True]
    pods = labels(found)
    server = pods.pop("tf-sweeps-server")

    sources = {
        variable["name"]: variable["valueFrom"] for variable in named(found, "tf-sweeps-server").container["env"]
    }

    assert sources["NOTIFY_URL"] == {"secretKeyRef": {"name": manifest_rules.NOTIFY_SECRET, "key": "url"}}
    assert reaches(found, server, OUTSIDE, 443)
    assert reaches(found, server, NAMES_SERVER, 53)
    assert not any(reaches(found, server, OUTSIDE, port) for port in (22, 80, 8080))
    assert not any(reaches(found, each, OUTSIDE, 443) for each in pods.values())
    assert not any("NOTIFY_URL" in manifests.settings(found, named(found, each), KEY) for each in CLIENTS)


def test_the_sweep_that_is_there_is_the_one_of_the_readme(embedded: list[Manifest]) -> None:
    (text,) = (
        each["data"]["sweep.yaml"] for each in of_kind(embedded, "ConfigMap").values() if "sweep.yaml" in each["data"]
    )

    assert yaml.safe_load(text) == yaml.safe_load((ROOT / "sweeps/layer_size.yaml").read_text())
    assert check.check(SOURCE / "base/sweep.yaml").mistakes == ()


def test_what_the_readme_names_is_there(embedded: list[Manifest]) -> None:
    text = (SOURCE / "README.md").read_text()
    there = {f"{each['kind'].lower()}/{each['metadata']['name']}" for each in embedded} | {"job/report"}

    assert set(re.findall(r"(?:job|cronjob|service)/[\w-]+", text)) <= there
    assert set(re.findall(r"kubectl delete job ([\w-]+) ([\w-]+)", text)) == {CLIENTS[:2]}
    assert set(re.findall(r"secret generic ([\w-]+) --from-file=([\w-]+)=", text)) == {
        (manifest_rules.SECRET, "api-key"),
        (manifest_rules.NOTIFY_SECRET, "url"),
    }


def labels(found: list[Manifest]) -> dict[str, dict[str, str]]:
    return {it.name: it.labels for it in workloads(found)}


def test_only_who_works_for_the_sweep_reaches_the_server_and_nothing_else_is_reached(embedded: list[Manifest]) -> None:
    pods, stranger = labels(embedded), {"app.kubernetes.io/component": "agent"}
    server = pods.pop("tf-sweeps-server")

    assert all(reaches(embedded, each, server, DEFAULT_PORT) for each in pods.values())
    assert all(reaches(embedded, each, NAMES_SERVER, 53) for each in pods.values())
    assert not any(reaches(embedded, each, server, 22) for each in pods.values())
    assert not any(
        reaches(embedded, each, OUTSIDE, port) for each in [*pods.values(), server] for port in (53, 80, 443)
    )
    assert not any(reaches(embedded, each, other, 8080) for each in pods.values() for other in pods.values())
    assert not any(reaches(embedded, each, server, DEFAULT_PORT) for each in (stranger, NAMES_SERVER, OUTSIDE))
    assert not any(reaches(embedded, stranger, each, 8080) for each in pods.values())
    assert not any(reaches(embedded, server, each, 8080) for each in [*pods.values(), NAMES_SERVER])


def test_without_the_policy_that_closes_all_the_rest_would_be_open(embedded: list[Manifest]) -> None:
    without = [each for each in embedded if each["metadata"]["name"] != "tf-sweeps-closed"]

    assert reaches(without, labels(embedded)["tf-sweeps-server"], OUTSIDE, 443)
    assert reaches(without, OUTSIDE, labels(embedded)["tf-sweeps-agents"], 22)


def test_in_the_cloud_https_goes_out_and_nothing_comes_in(rendered: Rendered) -> None:
    found = rendered["cloud", False]
    pods = labels(found)

    assert "tf-sweeps-server" not in pods
    assert all(reaches(found, each, OUTSIDE, 443) and reaches(found, each, NAMES_SERVER, 53) for each in pods.values())
    assert not any(reaches(found, each, OUTSIDE, port) for each in pods.values() for port in (22, 80, 8080))
    assert not any(reaches(found, OUTSIDE, each, port) for each in pods.values() for port in (80, 443, 8080))


LIGHT = """
import argparse, wandb
parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int)
with wandb.init() as run:
    run.log({"epoch": 1, "val_accuracy": parser.parse_known_args()[0].epochs / 10})
"""


def test_pods_that_share_no_file_do_the_sweep_by_the_key_of_the_secret(
    embedded: list[Manifest], tmp_path: Path
) -> None:
    """Agents find the sweep by its name, as the register Job hands nothing on."""
    found = copy.deepcopy(embedded)
    (tmp_path / "trial.py").write_text(LIGHT)
    put_sweep(found, {"epochs": {"value": 1}}, ["python", str(tmp_path / "trial.py"), "${args}"])
    server = pod_of(found, "tf-sweeps-server", tmp_path, {"0.0.0.0": "127.0.0.1"})
    url = f"http://127.0.0.1:{(port := free_port())}"
    process = server.start("--port", str(port))
    try:
        server.wait_until_well(url, process)
        instead = {"http://tf-sweeps-server:8080": url}
        register, agents, report = (pod_of(found, name, tmp_path, instead) for name in CLIENTS)
        codes = [each.run() for each in (register, agents, report)]
    finally:
        end(process)

    assert codes == [0, 0, 0], register.said() + agents.said() + report.said()
    assert "1 of 1 runs finished" in report.said()
    assert "Dashboard: http://127.0.0.1:8080/login?token=" in register.said()  # at the end of a port-forward
    assert not any(KEY in each.said() for each in (server, register, agents, report))


def put_sweep(found: list[Manifest], parameters: dict[str, Any], command: list[str]) -> None:
    metric = {"name": "val_accuracy", "goal": "maximize"}
    document = {"method": "grid", "metric": metric, "parameters": parameters, "command": command}
    for each in of_kind(found, "ConfigMap").values():
        if "sweep.yaml" in each["data"]:
            each["data"]["sweep.yaml"] = json.dumps(document)


def pod_of(found: list[Manifest], name: str, folder: Path, instead: dict[str, str]) -> Pod:
    return Pod(found, named(found, name), folder / name, KEY, instead)
