"""Definitions and operator of different versions: said in the log, in a metric, and in an Event."""

import logging

from hyperpod_operator.api.kinds import Kind
from hyperpod_operator.api.names import GROUP, Reason
from hyperpod_operator.core.ports import Event, Events, Key, KubernetesError, ObjectGone, StaleObject, StoredObject
from hyperpod_operator.kube.client import ApiServer
from hyperpod_operator.kube.skew import Skew, look
from hyperpod_operator.runtime.metrics import PrometheusMetrics

logger = logging.getLogger(__name__)


async def compare(api: ApiServer, *, kinds: tuple[Kind, ...], metrics: PrometheusMetrics) -> tuple[Skew, ...]:
    """What differs; an API server that does not say ends nothing: the operator works with either definition."""
    try:
        found = await look(api, kinds=kinds)
    except (KubernetesError, ObjectGone, StaleObject) as error:
        logger.warning("The installed definitions could not be compared with this version's: %s", error)
        return ()
    for skew in found:
        logger.warning("%s", skew)
    by_plural = {skew.plural: skew for skew in found}
    for kind in kinds:
        differs = by_plural.get(kind.plural)
        missing, unknown = (len(differs.missing), len(differs.unknown)) if differs else (0, 0)
        metrics.definition(plural=kind.plural, missing=missing, unknown=unknown)
    return found


def announce(found: tuple[Skew, ...], events: Events) -> None:
    """An Event about each definition that differs; there is no condition for it."""
    for skew in found:
        event = Event(type="Warning", reason=Reason.DEFINITION_DIFFERS, action="Compare", message=str(skew))
        events.publish(about=definition_reference(skew.plural), event=event)


def definition_reference(plural: str) -> StoredObject:
    """The definition as what an Event is about; without the right to read definitions its uid is not known."""
    return StoredObject(
        key=Key("", f"{plural}.{GROUP}"),
        uid="",
        resource_version="",
        generation=0,
        deleting=False,
        finalizers=(),
        annotations={},
        body={"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition"},
    )
