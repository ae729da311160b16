"""Every assumption about AWS that a decision rests on: the one place for what is believed.

The code that relies on a row cites it in a comment or docstring, in square brackets: the word assumption, a colon and
the row's id; several ids are separated by commas. Tests hold the two together, and `docs/aws-assumptions.md` is
generated from this table. Nothing here takes part in a decision.
"""

from collections.abc import Mapping
from types import MappingProxyType

from hyperpod_operator.core.assumptions.answers import ANSWERS
from hyperpod_operator.core.assumptions.attachments import ATTACHMENTS
from hyperpod_operator.core.assumptions.clusters import CLUSTERS
from hyperpod_operator.core.assumptions.counts import COUNTS
from hyperpod_operator.core.assumptions.events import EVENTS
from hyperpod_operator.core.assumptions.model import Assumption
from hyperpod_operator.core.assumptions.node_calls import NODE_CALLS
from hyperpod_operator.core.assumptions.nodes import NODES
from hyperpod_operator.core.assumptions.places import PLACES
from hyperpod_operator.core.assumptions.preflight import PREFLIGHT
from hyperpod_operator.core.assumptions.updates import UPDATES
from hyperpod_operator.core.assumptions.volumes import VOLUMES

AREAS: Mapping[str, tuple[Assumption, ...]] = MappingProxyType(
    {
        "Answers and errors": ANSWERS,
        "Accounts, Regions and permissions": PLACES,
        "Creating and deleting clusters": CLUSTERS,
        "Updating clusters": UPDATES,
        "Counts": COUNTS,
        "Events": EVENTS,
        "Nodes": NODES,
        "Calls that name nodes": NODE_CALLS,
        "Volumes": VOLUMES,
        "Attachments": ATTACHMENTS,
        "Preflight": PREFLIGHT,
    }
)
"""The rows by area, in the order of the document."""
