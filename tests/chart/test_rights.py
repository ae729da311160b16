"""The chart grants what the operator asks for at its start, and little else; derived from the preflight itself."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.chart.conftest import NAMESPACE, RELEASE
from tests.chart.rights import Right, rights
from tests.contract.definitions import DEFINITIONS

from hyperpod_operator.api.kinds import KINDS
from hyperpod_operator.core.lease import LeaseSettings
from hyperpod_operator.kube import preflight
from hyperpod_testbed.helm import Helm

ROOT = Path(__file__).parents[2]
SETS: Mapping[str, dict[str, Any]] = {
    "all namespaces": {},
    "two namespaces": {"watchNamespaces": ["team-a", "team-b"]},
    "default is one of them": {"watchNamespaces": ["default", "team-a"]},
    "without nodes": {"nodeHealth": {"enabled": False}},
    "without drains": {"drain": {"enabled": False}},
    "without evictions": {"drain": {"eviction": False}},
    "without volumes": {"volumes": {"enabled": False}},
    "without node operations": {"nodeOperations": {"enabled": False}},
    "node operations alone": {"nodeHealth": {"enabled": False}, "volumes": {"enabled": False}},
    "clusters alone": {
        "nodeHealth": {"enabled": False},
        "volumes": {"enabled": False},
        "nodeOperations": {"enabled": False},
    },
    "metrics for readers alone": {"metrics": {"authentication": {"enabled": True}, "tls": {"secretName": "metrics"}}},
    "without election": {"leaderElection": {"enabled": False}, "replicaCount": 1},
}


DRAIN = frozenset(
    {
        *(Right(group="", resource="pods", verb=verb) for verb in ("list", "watch")),
        Right(group="", resource="pods/eviction", verb="create"),
        Right(group="", resource="nodes/status", verb="patch"),
        Right(group="", resource="namespaces", verb="get"),
        Right(group="batch", resource="jobs", verb="get"),
        Right(group="jobset.x-k8s.io", resource="jobsets", verb="get"),
        Right(group="policy", resource="poddisruptionbudgets", verb="list"),
    }
)
DISPENSABLE = DRAIN | {
    Right(group="apps", resource="daemonsets", verb="list"),
    *(Right(group="coordination.k8s.io", resource="leases", verb="list", namespace=at) for at in ("", NAMESPACE)),
}
"""Rights that the operator starts without: checks before a creation are then Unknown, a scale-in waits, and another
installation is not found."""


class Asked:
    """An API server that answers the preflight as RBAC would, and remembers what was asked."""

    address = "https://rendered.example"

    def __init__(self, granted: frozenset[Right]) -> None:
        self._granted = granted
        self.asked: set[Right] = set()

    async def get(self, path: str) -> dict[str, Any]:
        assert path.startswith("/apis/hyperpod-operator.dev/")
        plurals = [found["spec"]["names"]["plural"] for found in DEFINITIONS]
        return {"resources": [{"name": name + part} for name in plurals for part in ("", "/status")]}

    async def create(self, _path: str, body: dict[str, Any]) -> dict[str, Any]:
        attributes = body.get("spec", {}).get("resourceAttributes")
        if attributes is None:
            return {"status": {"userInfo": {"username": "the-operator"}}}
        part = attributes.get("subresource")
        wanted = {
            "group": attributes["group"],
            "resource": attributes["resource"] + (f"/{part}" if part else ""),
            "verb": attributes["verb"],
            "namespace": attributes.get("namespace", ""),
            "name": attributes.get("name", ""),
        }
        self.asked.add(Right(**wanted))
        return {"status": {"allowed": any(right.covers(**wanted) for right in self._granted)}}


def duties(values: dict[str, Any]) -> preflight.Duties:
    """What an operator with these values does. A duty that is new has to be thought of here and in the chart."""
    assert {field.name for field in dataclasses.fields(preflight.Duties)} == {
        "kinds",
        "lease",
        "nodes",
        "namespace",
        "metrics_auth",
    }
    switches = {"leaderElection", "nodeHealth", *(kind.switch for kind in KINDS if kind.switch)}
    enabled = {name: values.get(name, {}).get("enabled", True) for name in switches}
    return preflight.Duties(
        lease=LeaseSettings(namespace=NAMESPACE, name=RELEASE) if enabled["leaderElection"] else None,
        nodes=enabled["nodeHealth"],
        kinds=tuple(kind for kind in KINDS if not kind.switch or enabled[kind.switch]),
        namespace=NAMESPACE,
        metrics_auth=values.get("metrics", {}).get("authentication", {}).get("enabled", False),
    )


async def asked(
    helm: Helm, values: dict[str, Any]
) -> tuple[tuple[preflight.Problem, ...], set[Right], frozenset[Right]]:
    """What the preflight finds missing with this rendered chart, what it asked for, and what was granted."""
    granted = rights(helm.objects(values=values), account=RELEASE)
    api = Asked(granted)
    problems = await preflight.check(
        api,  # type: ignore[arg-type]  # the two methods that a preflight uses
        namespaces=tuple(values.get("watchNamespaces", ())),
        duties=duties(values),
    )
    return problems, api.asked, granted


@pytest.mark.parametrize("values", SETS.values(), ids=SETS.keys())
async def test_the_preflight_finds_nothing_missing(helm: Helm, values: dict[str, Any]) -> None:
    problems, _, _ = await asked(helm, values)
    assert [str(problem) for problem in problems] == []


async def test_without_roles_the_preflight_finds_something(helm: Helm) -> None:
    problems, _, granted = await asked(helm, {"rbac": {"create": False}})
    assert not granted
    assert problems


@pytest.mark.parametrize("values", SETS.values(), ids=SETS.keys())
async def test_nothing_is_granted_that_nobody_asks_for(helm: Helm, values: dict[str, Any]) -> None:
    _, questions, granted = await asked(helm, values)
    unasked = {
        right
        for right in granted - DISPENSABLE
        if not right.is_asked_elsewhere
        and not any(
            right.covers(
                group=question.group,
                resource=question.resource,
                verb=question.verb,
                namespace=question.namespace,
                name=question.name,
            )
            for question in questions
        )
    }
    assert {str(right) for right in unasked} == set()


@pytest.mark.parametrize("values", SETS.values(), ids=SETS.keys())
def test_no_wildcards_no_secrets_no_escalation(helm: Helm, values: dict[str, Any]) -> None:
    granted = rights(helm.objects(values=values), account=RELEASE)
    assert not [right for right in granted if "*" in (right.group, right.resource, right.verb)]
    assert not {"secrets", "pods/exec", "serviceaccounts/token"} & {right.resource for right in granted}
    assert not {"bind", "escalate", "impersonate"} & {right.verb for right in granted}
    assert not [right for right in granted if right.group == "rbac.authorization.k8s.io"]


def test_a_namespaced_installation_may_touch_its_namespaces_alone(helm: Helm) -> None:
    granted = rights(helm.objects(values=SETS["two namespaces"]), account=RELEASE)
    everywhere = {right.resource for right in granted if not right.namespace}
    drains = {right.resource for right in DRAIN}
    assert everywhere == {"daemonsets", "nodes", "persistentvolumes", "volumeattachments"} | drains
    assert {right.namespace for right in granted if right.group == "hyperpod-operator.dev"} == {"team-a", "team-b"}


@pytest.mark.parametrize(
    ("values", "withheld"),
    [
        (SETS["without drains"], {right for right in DRAIN if right.resource != "pods"}),
        (SETS["without nodes"], {right for right in DRAIN if right.resource != "pods"}),
        (SETS["without evictions"], {right for right in DRAIN if right.resource == "pods/eviction"}),
    ],
)
def test_what_drains_need_can_be_withheld(helm: Helm, values: dict[str, Any], withheld: set[Right]) -> None:
    granted = rights(helm.objects(values=values), account=RELEASE)
    assert not withheld & granted
    if values != SETS["without evictions"]:
        assert Right(group="", resource="pods", verb="watch") not in granted


def test_without_nodes_and_volumes_a_namespaced_installation_has_no_right_on_the_cluster(helm: Helm) -> None:
    values = {**SETS["two namespaces"], **SETS["clusters alone"]}
    assert "" not in {right.namespace for right in rights(helm.objects(values=values), account=RELEASE)}


def test_people_get_the_kinds_by_their_own_roles(helm: Helm) -> None:
    roles = {found["metadata"]["name"]: found for found in helm.objects() if found["kind"] == "ClusterRole"}
    plurals = {found["spec"]["names"]["plural"] for found in DEFINITIONS}
    for name in ("view", "edit"):
        (rule,) = roles[f"{RELEASE}-{name}"]["rules"]
        assert set(rule["resources"]) == plurals
    labels = roles[f"{RELEASE}-edit"]["metadata"]["labels"]
    assert "rbac.authorization.k8s.io/aggregate-to-edit" not in labels, "who writes a cluster chooses its IAM role"
