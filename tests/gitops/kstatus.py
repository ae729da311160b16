"""What kstatus makes of a custom resource: the judge of Flux, kpt and Helm's --wait.

Source: sigs.k8s.io/cli-utils, pkg/kstatus/status (Compute, for resources without a rule of their own).
"""

from collections.abc import Mapping
from typing import Any

IN_PROGRESS, FAILED, CURRENT, TERMINATING = "InProgress", "Failed", "Current", "Terminating"


def compute(resource: Mapping[str, Any]) -> str:
    if "deletionTimestamp" in resource["metadata"]:
        return TERMINATING
    status = resource.get("status") or {}
    observed = status.get("observedGeneration")
    if observed is not None and observed != resource["metadata"].get("generation"):
        return IN_PROGRESS
    conditions = status.get("conditions") or []
    for condition in conditions:
        if condition["type"] == "Reconciling" and condition["status"] == "True":
            return IN_PROGRESS
        if condition["type"] == "Stalled" and condition["status"] == "True":
            return FAILED
    for condition in conditions:
        if condition["type"] == "Ready":
            return CURRENT if condition["status"] == "True" else IN_PROGRESS
    return CURRENT
