"""Metrics of the connection to Kubernetes, and of the election."""

from functools import partial

from hyperpod_operator.api.metrics.instrument import Gauge, P

_gauge = partial(Gauge, section="Is it connected to Kubernetes, and is there one leader?")

LEADER = _gauge(
    name=P + "leader",
    unit="0 or 1",
    help="1 while this replica is the leader, 0 on standby.",
    read="The sum over the replicas is 1; 0 for seconds while one hands over",
)
WATCH_AGE = _gauge(
    name=P + "watch_age_seconds",
    unit="seconds",
    help="Seconds since the watch last received data from the API server (bookmarks arrive each minute).",
    read="Above 90 the replica is not ready",
)
NODE_WATCH_AGE = _gauge(
    name=P + "node_watch_age_seconds",
    unit="seconds",
    help="Seconds since the watch of Nodes last received data from the API server (bookmarks arrive each minute).",
    read="The same for the watch of Nodes",
)
DEFINITION_DIFFERENCES = _gauge(
    name=P + "definition_differences",
    labels=("plural", "difference"),
    unit="members",
    help="Fields that differ between an installed CustomResourceDefinition and the operator's: missing there, unknown "
    "here.",
    read="Above 0: operator and CustomResourceDefinitions are of different versions; the log and an Event "
    "`DefinitionDiffers` name the fields",
)
BUILD = _gauge(
    name=P + "build_info",
    labels=("version",),
    unit="1",
    help="1, labelled with the operator's version.",
    read="Missing: no replica is scraped. Two versions for long: a stuck rollout",
)
