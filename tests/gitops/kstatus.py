"""What kstatus makes of a custom resource: the judge of Flux, kpt and Helm's --wait, step by step in its order.

Source: sigs.k8s.io/cli-utils, pkg/kstatus/status: Compute, checkGenericProperties, checkGeneration and
checkReadyCondition. The rules for kinds that it knows by name (Deployments and so on) are left out.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

IN_PROGRESS, FAILED, CURRENT, TERMINATING = "InProgress", "Failed", "Current", "Terminating"


@dataclass(frozen=True, slots=True)
class Result:
    """kstatus's word for the resource, and the words that go with it."""

    status: str
    message: str


def compute(resource: Mapping[str, Any]) -> Result:
    """The first step that has an answer; a resource about which nothing is known counts as done."""
    for step in (_deletion, _generation, _abnormal, _ready):
        result = step(resource)
        if result is not None:
            return result
    return Result(CURRENT, "Nothing says that it is not.")


def _deletion(resource: Mapping[str, Any]) -> Result | None:
    if resource["metadata"].get("deletionTimestamp"):
        return Result(TERMINATING, "It is being deleted.")
    return None


def _generation(resource: Mapping[str, Any]) -> Result | None:
    """Where either number is missing this step says nothing, so a status without it is trusted."""
    generation = resource["metadata"].get("generation")
    observed = _status(resource).get("observedGeneration")
    if generation is None or observed is None or generation == observed:
        return None
    return Result(IN_PROGRESS, f"Generation {generation} has not been looked at; {observed} was the last.")


def _abnormal(resource: Mapping[str, Any]) -> Result | None:
    """In the order of the list: whichever of the two stands first wins."""
    for condition in _conditions(resource):
        if condition["type"] == "Reconciling" and condition["status"] == "True":
            return Result(IN_PROGRESS, condition["message"])
        if condition["type"] == "Stalled" and condition["status"] == "True":
            return Result(FAILED, condition["message"])
    return None


def _ready(resource: Mapping[str, Any]) -> Result | None:
    for condition in _conditions(resource):
        if condition["type"] == "Ready":
            return Result(CURRENT if condition["status"] == "True" else IN_PROGRESS, condition["message"])
    return None


def _status(resource: Mapping[str, Any]) -> Mapping[str, Any]:
    return resource.get("status") or {}


def _conditions(resource: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from _status(resource).get("conditions") or ()
