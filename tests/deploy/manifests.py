"""What kustomize makes of deploy/kubernetes, and its parts."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests import known_environment

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "deploy/kubernetes"
Manifest = dict[str, Any]


def find_kubectl() -> str | None:
    """The machine's own, or that of another Debian suite; None where neither is to be had."""
    if found := shutil.which("kubectl"):
        return found
    if os.geteuid() or not Path("/etc/debian_version").exists():
        return None
    fetch = [str(ROOT / "tests/compose/engine.sh"), "kubectl", "trixie"]
    return subprocess.run(
        fetch, env=known_environment.shell, check=True, stdout=subprocess.PIPE, text=True
    ).stdout.strip()


def render(kubectl: str, overlay: str, folder: Path, components: bool) -> list[Manifest]:
    """Renders an overlay of a copy, with the components that its comment names if they are wanted."""
    copy = folder / f"{overlay}-{components}"
    shutil.copytree(SOURCE, copy)
    if components:
        _take_components(copy / "overlays" / overlay / "kustomization.yaml")
    command = [kubectl, "kustomize", str(copy / "overlays" / overlay)]
    text = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    (folder / f"{copy.name}.yaml").write_text(text)
    return list(yaml.safe_load_all(text))


def _take_components(path: Path) -> None:
    """Does by a program what the comment asks of the reader: writes the list in place of the empty one."""
    lines = path.read_text().splitlines()
    (at,) = (number for number, line in enumerate(lines) if line.startswith("components: []"))
    lines[at] = "components: " + lines[at].partition("# ")[2]
    path.write_text("\n".join(lines) + "\n")


@dataclass(frozen=True)
class Workload:
    """A manifest that makes pods, and the pods that it makes."""

    manifest: Manifest
    template: Manifest

    @property
    def name(self) -> str:
        return str(self.manifest["metadata"]["name"])

    @property
    def kind(self) -> str:
        return str(self.manifest["kind"])

    @property
    def job(self) -> Manifest | None:
        """What a Job, or each Job of a CronJob, is to be."""
        spec = self.manifest["spec"]
        return {"Job": spec, "CronJob": spec.get("jobTemplate", {}).get("spec")}.get(self.kind)

    @property
    def pod(self) -> Manifest:
        return dict(self.template["spec"])

    @property
    def labels(self) -> dict[str, str]:
        return dict(self.template["metadata"]["labels"])

    @property
    def container(self) -> Manifest:
        """The only one."""
        (container,) = self.pod["containers"]
        return dict(container)

    def volume(self, name: str) -> Manifest:
        """A volume by its name; {} where there is none."""
        claims = {
            claim["metadata"]["name"]: {"persistentVolumeClaim": claim}
            for claim in self.manifest["spec"].get("volumeClaimTemplates", [])
        }
        return next((volume for volume in self.pod["volumes"] if volume["name"] == name), claims.get(name, {}))


def workloads(manifests: list[Manifest]) -> Iterator[Workload]:
    for manifest in manifests:
        spec = manifest.get("spec", {})
        template = spec.get("jobTemplate", {"spec": spec})["spec"].get("template")
        if template is not None:
            yield Workload(manifest, template)


def named(manifests: list[Manifest], name: str) -> Workload:
    return next(each for each in workloads(manifests) if each.name == name)


def of_kind(manifests: list[Manifest], kind: str) -> dict[str, Manifest]:
    """The manifests of a kind by their names."""
    return {manifest["metadata"]["name"]: manifest for manifest in manifests if manifest["kind"] == kind}


def settings(manifests: list[Manifest], workload: Workload, key: str) -> dict[str, str]:
    """The variables of a pod's container, as the cluster would set them.

    Args:
        key: what the secret holds.
    """
    maps = of_kind(manifests, "ConfigMap")
    values: dict[str, str] = {}
    for source in workload.container.get("envFrom", []):
        values |= maps[source["configMapRef"]["name"]]["data"]
    for variable in workload.container.get("env", []):
        values[variable["name"]] = key
        if reference := variable["valueFrom"].get("configMapKeyRef"):
            values[variable["name"]] = maps[reference["name"]]["data"][reference["key"]]
    return values
