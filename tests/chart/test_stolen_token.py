"""Whoever has the operator's token can do what the operator does and nothing else: each verb of the chart's roles."""

import json
import re
import ssl
import time
import urllib.error
import urllib.request
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from tests.chart.attacks import (
    ATTACKS,
    CLUSTERS,
    EVENT,
    EVENTS,
    LEASE,
    LEASES,
    LOCAL,
    PATCH,
    REVIEWS,
    TEAM,
    VOLUME,
    VOLUME_CLAIM,
    VOLUME_CLAIMS,
    VOLUMES,
    Attack,
    Json,
    What,
    merged,
    victims,
)
from tests.chart.conftest import NAMESPACE, RELEASE, VALUES
from tests.chart.rights import rights

from hyperpod_operator.api.names import API_VERSION, GROUP
from hyperpod_testbed.control_plane import ControlPlane
from hyperpod_testbed.helm import Helm
from hyperpod_testbed.stack import ROOT
from hyperpod_testbed.waiting import until

READS = {"get", "list", "watch"}
REFUSED = 403
POLICY = "ValidatingAdmissionPolicy"
ALL = [pytest.param(attack, id=f"{'.'.join(what)}-{attack.name}") for what, row in ATTACKS.items() for attack in row]


class Thief:
    """Requests with the operator's token and no operator."""

    def __init__(self, plane: ControlPlane) -> None:
        self._url = plane.url
        self._trust = ssl.create_default_context(cafile=str(plane.ca_path))
        token = plane.api.token(RELEASE, namespace=NAMESPACE, seconds=3600)
        self._authorization = f"Bearer {token}"

    def send(self, attack: Attack) -> tuple[int, Json]:
        """Code and answer."""
        body = attack.body
        if body is not None and attack.method == "PUT":
            _, found = self.send(Attack(name="read", method="GET", path=attack.path))
            body = merged(body, metadata__resourceVersion=found["metadata"]["resourceVersion"])
        request = urllib.request.Request(
            self._url + attack.path,
            method=attack.method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": self._authorization, "Content-Type": attack.content},
        )
        try:
            with urllib.request.urlopen(request, timeout=30, context=self._trust) as answer:
                return int(answer.status), json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)


@pytest.fixture(scope="module")
def objects(plane: ControlPlane, releases: Helm) -> list[Json]:
    """A release as the defaults have it, and what others have in the cluster."""
    releases.release("install", RELEASE, namespace=NAMESPACE, values={})
    plane.kubectl("wait", "--for=condition=Established", "--timeout=60s", "crd", "--all")
    cluster, claim, operation = (
        yaml.safe_load((ROOT / "examples" / name).read_text())
        for name in ("gpu-and-cpu.yaml", "ebsvolumeclaim-new.yaml", "hyperpodnodeoperation-reboot.yaml")
    )
    for victim in victims(cluster=cluster, claim=claim, operation=operation):
        plane.api.create(victim)
    return releases.objects()


@pytest.fixture(scope="module")
def thief(plane: ControlPlane, objects: list[Json]) -> Thief:
    """Once every policy is in force: the API server compiles them a moment after they are stored."""
    assert objects
    made = Thief(plane)
    until(lambda: accepted(made) == [], lambda: f"no policy refuses {accepted(made)}")
    return made


def accepted(thief: Thief) -> list[str]:
    """Names of the attacks that would be carried out now; none is."""
    tried = [attack for row in ATTACKS.values() for attack in row if not attack.ignored]
    dry = [replace(one, path=f"{one.path}{'&' if '?' in one.path else '?'}dryRun=All") for one in tried]
    return [one.name for one in dry if thief.send(one)[0] != REFUSED]


def changing(objects: list[Json]) -> set[What]:
    """What the operator's roles grant that could change something."""
    (deployment,) = [found for found in objects if found["kind"] == "Deployment"]
    account = deployment["spec"]["template"]["spec"]["serviceAccountName"]
    granted = rights(objects, account=account)
    return {(right.group, right.resource, right.verb) for right in granted if right.verb not in READS} - REVIEWS


def test_every_verb_that_the_default_roles_grant_is_tried(helm: Helm) -> None:
    assert changing(helm.objects()) == set(ATTACKS)


@pytest.mark.parametrize("path", VALUES, ids=lambda path: path.stem)
def test_no_values_add_a_verb_that_is_not_tried(helm: Helm, path: Path) -> None:
    assert changing(helm.objects(files=[path])) - set(ATTACKS) == set()


def test_each_right_is_tried_in_some_way() -> None:
    assert [what for what, row in ATTACKS.items() if not row] == []


@pytest.mark.parametrize("attack", ALL)
def test_the_worst_is_refused_or_changes_nothing(plane: ControlPlane, thief: Thief, attack: Attack) -> None:
    before = left(plane, attack) if attack.ignored else {}
    code, answer = thief.send(attack)
    if attack.ignored:
        assert code == 200
        assert left(plane, attack) == before
        return
    assert (code, POLICY in answer["message"]) == (REFUSED, True), answer
    assert "the operator" in answer["message"]


def left(plane: ControlPlane, attack: Attack) -> Json:
    """The object without its status and without what each write changes."""
    found = plane.api.send("GET", attack.path.removesuffix("/status"))
    found.pop("status", None)
    for name in ("resourceVersion", "managedFields"):
        found["metadata"].pop(name)
    return found


@pytest.mark.parametrize(
    "attack",
    [
        Attack(name="volume", method="POST", path=VOLUMES, body=merged(VOLUME, metadata__name="evc-x")),
        Attack(name="local volume", method="POST", path=VOLUMES, body=LOCAL),
        Attack(name="claim", method="POST", path=VOLUME_CLAIMS, body=VOLUME_CLAIM),
        Attack(name="event", method="POST", path=EVENTS, body=EVENT),
        Attack(name="lease", method="POST", path=LEASES, body=LEASE),
    ],
    ids=lambda attack: attack.name,
)
def test_what_the_attacks_begin_with_is_allowed(thief: Thief, attack: Attack) -> None:
    """Each attack differs from this in one member, so it is refused for that."""
    body = attack.body or {}
    if attack.name == "volume":
        body = merged(body, metadata__labels={"hyperpod-operator.dev/claim-uid": "x"})
    allowed = Attack(name=attack.name, method="POST", path=f"{attack.path}?dryRun=All", body=body)
    code, answer = thief.send(allowed)
    assert code == 201, answer


@pytest.mark.parametrize("count", [0, 1, 2, 5_000])
def test_the_operator_adds_and_removes_its_finalizer_among_any_others(
    plane: ControlPlane, thief: Thief, count: int
) -> None:
    """A tenant sets thousands, and costs the API server little: the lists are not gone through with each other."""
    found = plane.api.get("hyperpodclusters", "prod", namespace=TEAM)
    assert found is not None
    theirs = [f"example.com/{number}" for number in range(count)]
    name, half = f"crowded-{count}", count // 2
    metadata = {"name": name, "namespace": TEAM, "finalizers": theirs}
    plane.api.create(
        {"apiVersion": API_VERSION, "kind": "HyperPodCluster", "metadata": metadata, "spec": found["spec"]}
    )

    def listed(*finalizers: str) -> tuple[int, Json]:
        body = {"metadata": {"finalizers": list(finalizers)}}
        return thief.send(Attack(name="lists", method="PATCH", path=f"{CLUSTERS}/{name}", body=body, content=PATCH))

    ours = f"{GROUP}/hyperpodcluster"
    began = time.monotonic()
    for allowed in ((*theirs, ours), theirs, (*theirs[:half], ours, *theirs[half:]), theirs, (ours, *theirs)):
        code, answer = listed(*allowed)
        assert code == 200, answer
    wrong = [(ours, *theirs, "example.com/mine"), (ours, *theirs[:half], "example.com/mine", *theirs[half + 1 :])]
    for refused in (*wrong, *((theirs[1:], tuple(reversed(theirs))) if count > 1 else ())):
        code, answer = listed(*refused)
        assert (code, "one finalizer" in answer["message"]) == (REFUSED, True), answer
    assert time.monotonic() - began < 20, "nine writes, each of 100 KB at most"


@pytest.mark.parametrize("group", ["secrets", "pods", "serviceaccounts", "configmaps"])
def test_other_kinds_are_refused_by_rbac(thief: Thief, group: str) -> None:
    path = f"/api/v1/namespaces/{NAMESPACE}/{group}"
    created = Attack(name=group, method="POST", path=path, body={"metadata": {"name": "x"}})
    code, answer = thief.send(created)
    assert (code, "cannot create resource" in answer["message"]) == (REFUSED, True)


def test_the_types_of_every_policy_are_right(plane: ControlPlane, objects: list[Json]) -> None:
    """The API server checks each expression against the schema of what its policy matches, and says so in status."""
    names = {found["metadata"]["name"] for found in objects if found["kind"] == "ValidatingAdmissionPolicy"}
    wait_until_checked(plane, names)
    warnings = {
        policy["metadata"]["name"]: policy["status"]["typeChecking"].get("expressionWarnings", [])
        for policy in plane.api.list("validatingadmissionpolicies")
    }
    assert warnings == {name: [] for name in names}


SOURCES = {
    *("awsElasticBlockStore", "azureDisk", "azureFile", "cephfs", "cinder", "fc", "flexVolume", "flocker"),
    *("gcePersistentDisk", "glusterfs", "hostPath", "iscsi", "nfs", "photonPersistentDisk", "portworxVolume"),
    *("quobyte", "rbd", "scaleIO", "storageos", "vsphereVolume"),
}
"""Kinds of volumes: one has exactly one, and the policy asks for another."""
OPEN = {
    ("nodes", "NodeSpec"): {"taints"},
    ("nodes", "NodeStatus"): {"conditions"},
    ("persistentvolumes", "PersistentVolumeSpec"): SOURCES
    | {"accessModes", "capacity", "storageClassName", "volumeMode"},
    ("persistentvolumeclaims", "PersistentVolumeClaimSpec"): {"accessModes", "resources", "selector", "volumeMode"},
}
"""By policy and schema, the members that the operator itself fills, or that a rule about another one settles."""


@pytest.mark.parametrize(("policy", "schema"), OPEN)
def test_every_member_that_this_kubernetes_has_is_held(
    plane: ControlPlane, objects: list[Json], policy: str, schema: str
) -> None:
    """A release of Kubernetes adds members, and a policy that lists those of an older one lets them through."""
    described = json.loads(plane.kubectl("get", "--raw", "/openapi/v3/api/v1").stdout)
    members = set(described["components"]["schemas"][f"io.k8s.api.core.v1.{schema}"]["properties"])
    (found,) = [one for one in objects if one["kind"] == POLICY and one["metadata"]["name"] == f"{RELEASE}-{policy}"]
    rules = json.dumps(found["spec"])
    assert {name for name in members - OPEN[policy, schema] if not re.search(rf"[.?]{name}\b", rules)} == set()


def wait_until_checked(plane: ControlPlane, names: set[str]) -> None:
    def checked() -> bool:
        found = plane.api.list("validatingadmissionpolicies")
        return {one["metadata"]["name"] for one in found if "typeChecking" in one.get("status", {})} >= names

    until(checked, "the types of every policy are checked")
