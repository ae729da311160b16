"""The operator as a process with CustomResourceDefinitions of another version: one member is missing, one is new."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.integration.test_operator_process import SPEED, Kubectl, is_true, manifest, mutations

from hyperpod_testbed.control_plane import ControlPlane
from hyperpod_testbed.stack import Stack
from hyperpod_testbed.waiting import until

DEFINITION = "hyperpodclusters.hyperpod-operator.dev"
MISSING, NEW = "tieredStorageConfig", "futureMember"


def install(plane: ControlPlane, definition: dict[str, Any], *, serves: str, not_serves: str) -> None:
    """Replace the definition, and wait until the API server publishes its schema."""
    plane.kubectl("replace", "-f", "-", input=json.dumps(definition))

    def published() -> bool:
        served = plane.kubectl("get", "--raw", "/openapi/v3/apis/hyperpod-operator.dev/v1alpha1").stdout
        return f'"{serves}"' in served and f'"{not_serves}"' not in served

    until(published, what="published schema")


@pytest.fixture(scope="module")
def skewed(control_plane: ControlPlane) -> Iterator[Stack]:
    """An operator that starts when the definition of another version is installed."""
    with Stack(plane=control_plane, speed=SPEED) as stack:
        stack.operator.stop()
        found = json.loads(control_plane.kubectl("get", "crd", DEFINITION, "-o", "json").stdout)
        for name in ("resourceVersion", "uid", "creationTimestamp", "generation", "managedFields"):
            found["metadata"].pop(name, None)
        del found["status"]
        other = json.loads(json.dumps(found))
        members = other["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
        del members[MISSING]
        members[NEW] = {"type": "string", "description": "Of a later version."}
        install(control_plane, other, serves=NEW, not_serves=MISSING)
        try:
            stack.operator.start()
            yield stack
        finally:
            stack.operator.stop()
            install(control_plane, found, serves=MISSING, not_serves=NEW)


@pytest.fixture
def kubectl(skewed: Stack, namespace: str) -> Kubectl:
    return Kubectl(skewed, namespace)


def condition(kubectl: Kubectl, name: str, kind: str) -> dict[str, Any]:
    found = kubectl.hpc(name).get("status", {}).get("conditions", [])
    return next((item for item in found if item["type"] == kind), {})


def test_the_log_names_the_members_and_what_to_do(skewed: Stack) -> None:
    lines = [json.loads(line) for line in skewed.operator.log.read_text().splitlines() if line.startswith("{")]
    (said,) = [line["message"] for line in lines if "The installed definition of" in line["message"]]
    assert f"lacks members that this version of the operator knows (spec.{MISSING})" in said
    assert "hyperpod-operator crds | kubectl apply" in said
    assert f"does not know (spec.{NEW})" in said
    assert "Upgrade the operator" in said


@pytest.mark.parametrize("difference", ["missing", "unknown"])
def test_the_metric_counts_both_differences(skewed: Stack, difference: str) -> None:
    found = [
        line
        for line in skewed.operator.get("/metrics")[1].splitlines()
        if line.startswith("hyperpod_operator_definition_differences{") and f'difference="{difference}"' in line
    ]
    assert [line.split()[-1] for line in found if 'plural="hyperpodclusters"' in line] == ["1.0"]
    assert [line.split()[-1] for line in found if 'plural="ebsvolumeclaims"' in line] == ["0.0"]


def test_an_event_is_about_the_definition(skewed: Stack) -> None:
    def told() -> list[dict[str, Any]]:
        return [item for item in skewed.plane.api.list("events.events.k8s.io") if item["reason"] == "DefinitionDiffers"]

    event = until(told, what="Event")[0]
    assert (event["regarding"]["kind"], event["regarding"]["name"]) == ("CustomResourceDefinition", DEFINITION)
    assert f"spec.{MISSING}" in event["note"]


def test_an_object_with_a_member_that_this_version_does_not_know_says_so(skewed: Stack, kubectl: Kubectl) -> None:
    kubectl.apply(manifest("newer", **{NEW: "x"}))
    kubectl.wait("newer", is_true)
    synced = condition(kubectl, "newer", "SpecSynced")
    assert f"spec.{NEW}" in synced["message"]
    assert "Upgrade the operator" in synced["message"]
    assert mutations(skewed, "newer") == ["CreateCluster"]


def test_an_object_without_such_members_is_served_as_ever(skewed: Stack, kubectl: Kubectl) -> None:
    kubectl.apply(manifest("plain"))
    kubectl.wait("plain", is_true)
    assert "does not know" not in condition(kubectl, "plain", "SpecSynced")["message"]
    kubectl("delete", "hpc", "plain", "--timeout=60s")
