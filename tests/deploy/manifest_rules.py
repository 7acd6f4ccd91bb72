"""What a cluster would refuse, or let pass to be regretted, and no schema tells: each rule yields its complaints."""

import re
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

from app.commands.agent import GRACE_S
from tests.deploy.manifests import Manifest, Workload, of_kind, workloads

USER = 10001  # of the images, as the Dockerfile makes it
SECRET = "tf-sweeps-key"
NOTIFY_SECRET = "tf-sweeps-notify"  # an address with a token in it, for the server alone
IMAGES = {
    "tf-sweeps-server",
    "tf-sweeps-trainer-cpu",
    "tf-sweeps-trainer-gpu",
}  # of docker-compose.yml, compose.gpu.yml

# Of words that the API server knows, the validator lets every other pass.
WORDS = {
    "action": {"Ignore", "FailIndex", "FailJob", "Count"},
    "completionMode": {"Indexed", "NonIndexed"},
    "operator": {"In", "NotIn", "Exists", "DoesNotExist"},
    "restartPolicy": {"Never", "OnFailure", "Always"},
    "protocol": {"TCP", "UDP"},
    "effect": {"NoSchedule", "PreferNoSchedule", "NoExecute"},
    "fsGroupChangePolicy": {"OnRootMismatch", "Always"},
    "accessModes": {"ReadWriteOnce", "ReadWriteMany"},
    "policyTypes": {"Ingress", "Egress"},
    "drop": {"ALL"},
    "type": {"RuntimeDefault", "DisruptionTarget"},
    "status": {"True"},
}


def complaints(manifests: list[Manifest]) -> list[str]:
    """All that is wrong, a line each."""
    each = chain.from_iterable(rule(workload) for workload in workloads(manifests) for rule in OF_PODS)
    return [*each, *chain.from_iterable(rule(manifests) for rule in OF_ALL)]


def hardened(it: Workload) -> Iterator[str]:
    pod, container = it.pod.get("securityContext", {}), it.container.get("securityContext", {})
    wanted = {
        "runs as root": pod.get("runAsNonRoot") is True and pod.get("runAsUser") == USER == pod.get("runAsGroup"),
        "cannot read its secret": pod.get("fsGroup") == USER,
        "has no seccomp profile": pod.get("seccompProfile") == {"type": "RuntimeDefault"},
        "may gain privileges": container.get("allowPrivilegeEscalation") is False and not container.get("privileged"),
        "can write to its root": container.get("readOnlyRootFilesystem") is True,
        "keeps capabilities": container.get("capabilities") == {"drop": ["ALL"]},
        "has a token of the cluster's": it.pod.get("automountServiceAccountToken") is False,
        "finds variables that services made": it.pod.get("enableServiceLinks") is False,
        "is on its node's network or among its processes": not any(name.startswith("host") for name in it.pod),
    }
    yield from (f"{it.name} {fault}" for fault, right in wanted.items() if not right)


def limited(it: Workload) -> Iterator[str]:
    limits = it.container.get("resources", {}).get("limits", {})
    yield from (
        f"{it.name} has no limit of {name}" for name in ("cpu", "memory", "ephemeral-storage") if name not in limits
    )


def asks_for_no_more_than_its_limits(it: Workload) -> Iterator[str]:
    requests, limits = (it.container.get("resources", {}).get(name, {}) for name in ("requests", "limits"))
    for name, asked in requests.items():
        if _quantity(asked) > _quantity(limits.get(name, asked)):
            yield f"{it.name} asks for more {name} than it may have"


def _quantity(text: str | int) -> float:
    number, unit = re.fullmatch(r"(\d+)(m|Ki|Mi|Gi)?", str(text)).groups()  # type: ignore[union-attr]
    return int(number) * {None: 1.0, "m": 0.001, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30}[unit]


def ends_in_its_own_time(it: Workload) -> Iterator[str]:
    """A trial gets its time, its agent's comes on top, and some more before the kill."""
    least_s = GRACE_S + 15 if it.name == "tf-sweeps-agents" else 20
    if it.pod.get("terminationGracePeriodSeconds", 30) < least_s:
        yield f"{it.name} is killed before {least_s} s"


def restarts(it: Workload) -> Iterator[str]:
    allowed = {"Never"} if it.job else {None, "Always"}
    if it.pod.get("restartPolicy") not in allowed:
        yield f"{it.name} may not have restartPolicy {it.pod.get('restartPolicy')}"


def volumes_are_there(it: Workload) -> Iterator[str]:
    mounts = it.container.get("volumeMounts", [])
    named = {mount["name"] for mount in mounts}
    yield from (f"{it.name} mounts {name}, which is no volume" for name in sorted(named) if not it.volume(name))
    yield from (f"{it.name} mounts no {each['name']}" for each in it.pod["volumes"] if each["name"] not in named)
    yield from (f"{it.name} sees its node's disk" for each in it.pod["volumes"] if "hostPath" in each)
    places = [mount["mountPath"] for mount in mounts]
    if len(set(places)) < len(places) or not {"/tmp", "/data"} <= set(places):
        yield f"{it.name} cannot write to /tmp or /data"


def image_is_pushed(it: Workload) -> Iterator[str]:
    name, _, tag = it.container["image"].rpartition("/")[2].partition(":")
    if name not in IMAGES or tag in ("", "latest") or "/" not in it.container["image"]:
        yield f"{it.name} has an image that nobody pushed: {it.container['image']}"


def fails_as_meant(it: Workload) -> Iterator[str]:
    """What a Job makes of a lost machine, and of exit code 2, which no second try mends."""
    if it.kind != "Job" or not it.job:
        return
    rules = it.job.get("podFailurePolicy", {}).get("rules", [])
    lost = [rule for rule in rules if {"type": "DisruptionTarget", "status": "True"} in rule.get("onPodConditions", [])]
    wrong = [rule for rule in rules if 2 in rule.get("onExitCodes", {}).get("values", [])]
    if [rule["action"] for rule in lost] != ["Ignore"] or rules[:1] != lost:
        yield f"{it.name} pays for a machine that goes"
    if [rule["action"] for rule in wrong] != ["FailIndex" if "backoffLimitPerIndex" in it.job else "FailJob"]:
        yield f"{it.name} tries a mistake again"
    if any(rule["onExitCodes"].get("containerName", it.container["name"]) != it.container["name"] for rule in wrong):
        yield f"{it.name} looks at a container that it has not"
    if it.job.get("completionMode") == "Indexed" and it.job["completions"] != it.job["parallelism"]:
        yield f"{it.name} does not run all agents at once"
    if "backoffLimitPerIndex" in it.job and it.job.get("completionMode") != "Indexed":
        yield f"{it.name} counts by an index that it has not"


def references_exist(manifests: list[Manifest]) -> Iterator[str]:
    known = {kind: set(of_kind(manifests, kind)) for kind in ("ConfigMap", "PersistentVolumeClaim", "Service")}
    for it in workloads(manifests):
        maps = [source["configMapRef"]["name"] for source in it.container.get("envFrom", [])]
        sources = [variable.get("valueFrom", {}) for variable in it.container.get("env", [])]
        maps += [source["configMapKeyRef"]["name"] for source in sources if "configMapKeyRef" in source]
        maps += [volume["configMap"]["name"] for volume in it.pod["volumes"] if "configMap" in volume]
        claims = [
            each["persistentVolumeClaim"]["claimName"] for each in it.pod["volumes"] if "persistentVolumeClaim" in each
        ]
        yield from (f"{it.name} wants the ConfigMap {name}" for name in maps if name not in known["ConfigMap"])
        yield from (
            f"{it.name} wants the claim {name}" for name in claims if name not in known["PersistentVolumeClaim"]
        )
        if it.manifest["spec"].get("serviceName", next(iter(known["Service"]), None)) not in {None, *known["Service"]}:
            yield f"{it.name} wants a Service that is not there"


def the_key_is_only_referred_to(manifests: list[Manifest]) -> Iterator[str]:
    yield from (f"the manifests hold the secret {name}" for name in of_kind(manifests, "Secret"))
    for name, each in of_kind(manifests, "ConfigMap").items():
        yield from (f"{name} holds {variable}" for variable in each["data"] if "API_KEY" in variable)
    for it in workloads(manifests):
        sources = [variable.get("valueFrom", {}) for variable in it.container.get("env", [])]
        by_variable = [source["secretKeyRef"]["name"] for source in sources if "secretKeyRef" in source]
        by_file = [volume["secret"]["secretName"] for volume in it.pod["volumes"] if "secret" in volume]
        if [name for name in (*by_variable, *by_file) if name != NOTIFY_SECRET] != [SECRET]:
            yield f"{it.name} does not take the key from {SECRET}"


def selectors_match(manifests: list[Manifest]) -> Iterator[str]:
    pods = [it.labels for it in workloads(manifests)]
    for kind in ("Service", "NetworkPolicy"):
        for name, each in of_kind(manifests, kind).items():
            selector = each["spec"].get("podSelector") or {"matchLabels": each["spec"]["selector"]}
            if not any(selects(selector, labels) for labels in pods):
                yield f"{name} selects no pod"
    for it in workloads(manifests):
        if not selects(it.manifest["spec"].get("selector", {}), it.labels):
            yield f"{it.name} does not select its own pods"


def ports_match(manifests: list[Manifest]) -> Iterator[str]:
    for it in workloads(manifests):
        named = {port["name"]: port["containerPort"] for port in it.container.get("ports", [])}
        probes = [probe["httpGet"]["port"] for name, probe in it.container.items() if name.endswith("Probe")]
        yield from (f"{it.name} is asked at a port {port} that it has not" for port in probes if port not in named)
        for service in of_kind(manifests, "Service").values():
            if not selects({"matchLabels": service["spec"]["selector"]}, it.labels):
                continue
            for port in service["spec"]["ports"]:
                if named.get(port["targetPort"]) != port["port"]:
                    yield f"{service['metadata']['name']} leads to a port that {it.name} has not"


def words_are_known(manifests: list[Manifest]) -> Iterator[str]:
    for manifest in manifests:
        if manifest["kind"] != "ConfigMap":
            for key, value in _leaves(manifest):
                if value not in WORDS.get(key, {value}):
                    yield f"{manifest['metadata']['name']}: {key} {value} is no word of the cluster's"


def _leaves(tree: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """The scalars with the key under which they stand, also in a list."""
    if isinstance(tree, dict):
        for name, item in tree.items():
            yield from _leaves(item, name)
    elif isinstance(tree, list):
        for item in tree:
            yield from _leaves(item, key)
    else:
        yield key, tree


def selects(selector: Manifest, labels: dict[str, str]) -> bool:
    """Whether a selector, by labels and by sets, takes these labels; an empty one takes all."""
    wanted = selector.get("matchLabels") or {}
    sets = selector.get("matchExpressions") or []
    return wanted.items() <= labels.items() and all(labels.get(each["key"]) in each["values"] for each in sets)


OF_PODS: list[Callable[[Workload], Iterator[str]]] = [
    *(hardened, limited, asks_for_no_more_than_its_limits, ends_in_its_own_time, restarts),
    *(volumes_are_there, image_is_pushed, fails_as_meant),
]
OF_ALL: list[Callable[[list[Manifest]], Iterator[str]]] = [
    *(references_exist, the_key_is_only_referred_to, selectors_match, ports_match, words_are_known),
]
