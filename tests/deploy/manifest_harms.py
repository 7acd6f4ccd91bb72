"""What may go wrong in manifests, by the complaint that must follow. Kubernetes' schemas let most of it pass."""

from collections.abc import Callable
from typing import Any

from tests.deploy.manifests import Manifest, named, of_kind

REGISTER, AGENTS, REPORT, SERVER = (f"tf-sweeps-{name}" for name in ("register", "agents", "report", "server"))


def container(found: list[Manifest], name: str) -> Any:
    return named(found, name).template["spec"]["containers"][0]


def pod(found: list[Manifest], name: str = "tf-sweeps-agents") -> Any:
    return named(found, name).template["spec"]


def spec(found: list[Manifest], kind: str, name: str) -> Any:
    return of_kind(found, kind)[name]["spec"]


def rule(found: list[Manifest], number: int) -> Any:
    return spec(found, "Job", "tf-sweeps-agents")["podFailurePolicy"]["rules"][number]


HARMS: dict[str, Callable[[list[Manifest]], object]] = {
    "tf-sweeps-agents runs as root": lambda it: pod(it)["securityContext"].pop("runAsNonRoot"),
    "tf-sweeps-server runs as root": lambda it: pod(it, SERVER)["securityContext"].update(runAsUser=0),
    "tf-sweeps-agents cannot read its secret": lambda it: pod(it)["securityContext"].pop("fsGroup"),
    "tf-sweeps-report has no seccomp profile": lambda it: pod(it, REPORT)["securityContext"].pop("seccompProfile"),
    "tf-sweeps-server may gain privileges": lambda it: container(it, SERVER)["securityContext"].update(
        allowPrivilegeEscalation=True
    ),
    "tf-sweeps-agents can write to its root": lambda it: container(it, AGENTS)["securityContext"].update(
        readOnlyRootFilesystem=False
    ),
    "tf-sweeps-agents keeps capabilities": lambda it: container(it, AGENTS)["securityContext"]["capabilities"].update(
        add=["NET_ADMIN"]
    ),
    "tf-sweeps-agents has a token of the cluster's": lambda it: pod(it).pop("automountServiceAccountToken"),
    "tf-sweeps-agents finds variables that services made": lambda it: pod(it).pop("enableServiceLinks"),
    "tf-sweeps-agents is on its node's network or among its processes": lambda it: pod(it).update(hostNetwork=True),
    "tf-sweeps-register has no limit of memory": lambda it: container(it, REGISTER)["resources"]["limits"].pop(
        "memory"
    ),
    "tf-sweeps-server asks for more memory than it may have": lambda it: container(it, SERVER)["resources"][
        "requests"
    ].update(memory="1Gi"),
    "tf-sweeps-agents is killed before 75 s": lambda it: pod(it).pop("terminationGracePeriodSeconds"),
    "tf-sweeps-agents may not have restartPolicy Always": lambda it: pod(it).update(restartPolicy="Always"),
    "tf-sweeps-agents mounts dat, which is no volume": lambda it: container(it, AGENTS)["volumeMounts"][1].update(
        name="dat"
    ),
    "tf-sweeps-agents mounts no data": lambda it: container(it, AGENTS)["volumeMounts"].pop(1),
    "tf-sweeps-agents sees its node's disk": lambda it: pod(it)["volumes"][0].update(hostPath={"path": "/"}),
    "tf-sweeps-agents has an image that nobody pushed: tf-sweeps-trainer-cpu": lambda it: container(it, AGENTS).update(
        image="tf-sweeps-trainer-cpu"
    ),
    "tf-sweeps-agents pays for a machine that goes": lambda it: rule(it, 0).update(action="Count"),
    "tf-sweeps-agents: action Ignored is no word of the cluster's": lambda it: rule(it, 0).update(action="Ignored"),
    "tf-sweeps-agents tries a mistake again": lambda it: rule(it, 1)["onExitCodes"].update(values=[3]),
    "tf-sweeps-agents looks at a container that it has not": lambda it: rule(it, 1)["onExitCodes"].update(
        containerName="agents"
    ),
    "tf-sweeps-agents does not run all agents at once": lambda it: spec(it, "Job", AGENTS).update(parallelism=2),
    "tf-sweeps-agents counts by an index that it has not": lambda it: spec(it, "Job", AGENTS).pop("completionMode"),
    "tf-sweeps-agents wants the ConfigMap tf-sweeps-settings": lambda it: container(it, AGENTS)["envFrom"][0][
        "configMapRef"
    ].update(name="tf-sweeps-settings"),
    "tf-sweeps-server wants the ConfigMap settings": lambda it: container(it, SERVER)["env"][0]["valueFrom"][
        "configMapKeyRef"
    ].update(name="settings"),
    "tf-sweeps-agents wants the claim tf-sweeps-data": lambda it: pod(it)["volumes"][1].update(
        persistentVolumeClaim={"claimName": "tf-sweeps-data"}
    ),
    "tf-sweeps-report cannot write to /tmp or /data": lambda it: container(it, REPORT)["volumeMounts"][0].update(
        mountPath="/data"
    ),
    "the manifests hold the secret tf-sweeps-key": lambda it: it.append(
        {"kind": "Secret", "metadata": {"name": "tf-sweeps-key"}}
    ),
    "tf-sweeps-settings holds WANDB_API_KEY": lambda it: it.append(
        {"kind": "ConfigMap", "metadata": {"name": "tf-sweeps-settings"}, "data": {"WANDB_API_KEY": "k"}}
    ),
    "tf-sweeps-server wants a Service that is not there": lambda it: spec(it, "StatefulSet", SERVER).update(
        serviceName="server"
    ),
    "tf-sweeps-agents does not take the key from tf-sweeps-key": lambda it: pod(it)["volumes"][3]["secret"].update(
        secretName="wandb"
    ),
    "tf-sweeps-to-server selects no pod": lambda it: spec(it, "NetworkPolicy", "tf-sweeps-to-server")["podSelector"][
        "matchExpressions"
    ][0].update(values=["agents"]),
    "tf-sweeps-server selects no pod": lambda it: spec(it, "Service", SERVER)["selector"].update(app="server"),
    "tf-sweeps-server does not select its own pods": lambda it: spec(it, "StatefulSet", SERVER)["selector"][
        "matchLabels"
    ].update(app="server"),
    "tf-sweeps-server leads to a port that tf-sweeps-server has not": lambda it: spec(it, "Service", SERVER)["ports"][
        0
    ].update(port=80),
    "tf-sweeps-server is asked at a port web that it has not": lambda it: container(it, SERVER)["startupProbe"][
        "httpGet"
    ].update(port="web"),
}
