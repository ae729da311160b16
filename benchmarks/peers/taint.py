"""What both Python peers decide about a Node, as plain data: the same contract as the Go peer's taint.go."""

import datetime
from collections.abc import Mapping
from typing import Any

COMPUTE_TYPE = "sagemaker.amazonaws.com/compute-type"
HEALTH = "sagemaker.amazonaws.com/node-health-status"
CHECKS = "sagemaker.amazonaws.com/deep-health-check-status"
TAINTED_AT = "hyperpod-operator.dev/tainted-at"
TAINT = {"key": HEALTH, "value": "Unschedulable", "effect": "NoSchedule"}

ADD_TAINT = "add taint"
REMOVE_TAINT = "remove taint"
_TAINTED_PATH = "/metadata/annotations/hyperpod-operator.dev~1tainted-at"


def decide(node: Mapping[str, Any]) -> str | None:
    """ADD_TAINT, REMOVE_TAINT or None for a node as the API server sends it."""
    labels = node["metadata"].get("labels") or {}
    health, checks = labels.get(HEALTH, ""), labels.get(CHECKS)
    tainted = any(_is_health_taint(taint) for taint in _taints(node))
    if not tainted and (health.startswith("Unschedulable") or checks == "InProgress"):
        return ADD_TAINT
    tainted_by_us = tainted and TAINTED_AT in (node["metadata"].get("annotations") or {})
    if tainted_by_us and health == "Schedulable" and checks not in ("InProgress", "Failed"):
        return REMOVE_TAINT
    return None


def patch(node: Mapping[str, Any], what: str, *, now: datetime.datetime) -> list[dict[str, Any]]:
    """The change as a JSON patch that holds for this version of the node only."""
    guard = {"op": "test", "path": "/metadata/resourceVersion", "value": node["metadata"]["resourceVersion"]}
    others = [dict(taint) for taint in _taints(node) if not _is_health_taint(taint)]
    if what == REMOVE_TAINT:
        return [
            guard,
            {"op": "replace", "path": "/spec/taints", "value": others},
            {"op": "remove", "path": _TAINTED_PATH},
        ]
    stamp = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    annotate = (
        {"op": "add", "path": _TAINTED_PATH, "value": stamp}
        if node["metadata"].get("annotations")
        else {"op": "add", "path": "/metadata/annotations", "value": {TAINTED_AT: stamp}}
    )
    return [guard, {"op": "add", "path": "/spec/taints", "value": [*others, TAINT]}, annotate]


def _taints(node: Mapping[str, Any]) -> list[dict[str, Any]]:
    return node.get("spec", {}).get("taints") or []


def _is_health_taint(taint: Mapping[str, Any]) -> bool:
    return all(taint.get(key) == value for key, value in TAINT.items())
