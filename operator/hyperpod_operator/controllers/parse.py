"""From a stored object to a Resource, or to the reason why not."""

import logging

from pydantic import ValidationError

from hyperpod_operator.api.cluster import HyperPodClusterSpec
from hyperpod_operator.api.members import unknown_members
from hyperpod_operator.api.names import CLUSTER_FINALIZER, RECONCILE_REQUESTED_AT
from hyperpod_operator.api.status import HyperPodClusterStatus
from hyperpod_operator.core.cluster.resource import Resource
from hyperpod_operator.core.ports import StoredObject
from hyperpod_operator.core.text import plain

logger = logging.getLogger(__name__)

REQUEST_MOST = 1024
"""Longest annotation value that is echoed in status."""


class InvalidSpecError(Exception):
    """The spec passed the API server and still cannot be read; the message lists what is wrong where."""


def parse(stored: StoredObject) -> Resource:
    """Raises InvalidSpecError. The API server's schema refuses most of this; an older CRD may not."""
    try:
        spec = HyperPodClusterSpec.model_validate(stored.body.get("spec") or {})
    except ValidationError as error:
        raise InvalidSpecError(problems(error)) from None
    return Resource(
        key=stored.key,
        uid=stored.uid,
        generation=stored.generation,
        deleting=stored.deleting,
        has_finalizer=CLUSTER_FINALIZER in stored.finalizers,
        reconcile_requested_at=reconcile_requested_at(stored),
        spec=spec,
        status=parse_status(stored),
        unknown=unknown_members(HyperPodClusterSpec, stored.body.get("spec")),
    )


def reconcile_requested_at(stored: StoredObject) -> str:
    """The value of the annotation that asks for a pass, as status echoes it; empty without one."""
    return plain(stored.annotations.get(RECONCILE_REQUESTED_AT, ""))[:REQUEST_MOST]


def parse_status(stored: StoredObject) -> HyperPodClusterStatus:
    """The stored status; one that cannot be read counts as empty, which makes every decision more careful."""
    try:
        return HyperPodClusterStatus.model_validate(stored.body.get("status") or {})
    except ValidationError as error:
        logger.warning(
            "status of %s cannot be parsed and is rebuilt from AWS: %s",
            stored.key,
            problems(error),
        )
        return HyperPodClusterStatus()


def problems(error: ValidationError, *, most: int = 5) -> str:
    """Path and message of the first problems. Values stay out: they may be long, or secret."""
    problems = [
        f"spec.{'.'.join(str(part) for part in item['loc'])}: {item['msg']}" for item in error.errors(include_url=False)
    ]
    more = f"; and {len(problems) - most} more" if len(problems) > most else ""
    return "; ".join(problems[:most]) + more
