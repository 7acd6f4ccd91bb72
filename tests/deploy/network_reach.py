"""Which pods may speak to whom, by the rules of NetworkPolicy: all is allowed until a policy selects a pod."""

from typing import Any

from tests.deploy.manifest_rules import selects
from tests.deploy.manifests import Manifest, of_kind

Labels = dict[str, str]
OUTSIDE = None  # an address that is no pod's
NAMES_SERVER = {"k8s-app": "kube-dns"}  # in another namespace, the system's


def reaches(manifests: list[Manifest], source: Labels | None, target: Labels | None, port: int) -> bool:
    """Whether TCP gets from one to the other: the one must be let out, the other must let it in."""
    return _lets(manifests, "egress", source, target, port) and _lets(manifests, "ingress", target, source, port)


def _lets(manifests: list[Manifest], way: str, pod: Labels | None, other: Labels | None, port: int) -> bool:
    if pod is OUTSIDE or pod == NAMES_SERVER:
        return True
    policies = [each["spec"] for each in of_kind(manifests, "NetworkPolicy").values()]
    concerned = [each for each in policies if way.title() in each["policyTypes"] and selects(each["podSelector"], pod)]
    rules = [rule for policy in concerned for rule in policy.get(way, [])]
    return not concerned or any(_allows(rule, "to" if way == "egress" else "from", other, port) for rule in rules)


def _allows(rule: Manifest, end: str, other: Labels | None, port: int) -> bool:
    to_port = "ports" not in rule or any(each["port"] == port and each["protocol"] == "TCP" for each in rule["ports"])
    return to_port and (end not in rule or any(_is(peer, other) for peer in rule[end]))


def _is(peer: dict[str, Any], other: Labels | None) -> bool:
    """Without a selector of namespaces a peer is of the policy's own."""
    if other is OUTSIDE:
        return "ipBlock" in peer
    if "namespaceSelector" in peer:
        return other == NAMES_SERVER
    return other != NAMES_SERVER and selects(peer["podSelector"], other)
