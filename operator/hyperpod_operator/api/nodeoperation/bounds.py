"""The bounded building blocks of a HyperPodNodeOperation: ids as AWS and Kubernetes write them."""

from typing import Annotated

from pydantic import Field

from hyperpod_operator.api.common.bounds import MISTAKE
from hyperpod_operator.api.common.rules import rule, rules, worded

NODES_MOST = 1000
"""Nodes in one operation. Its status has an entry for each, and etcd takes objects of up to 1.5 MiB."""

NodeName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=64,
        **worded(
            r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
            "names of Nodes have lower case letters, digits, inner dashes and dots: kubectl get nodes",
            rule(
                "!self.matches('^i-[a-f0-9]{8,17}$')",
                message="this is the id of an instance and not the name of its Node: set instanceIds",
            ),
        ),
    ),
]
"""Name of a Kubernetes Node (DNS subdomain); those of HyperPod are `hyperpod-` and an instance id."""
InstanceId = Annotated[
    str,
    Field(
        min_length=10,
        max_length=MISTAKE,
        **worded(
            r"^i-[a-f0-9]{8}([a-f0-9]{9})?$",
            "an instance has an id as i-0123456789abcdef0: give it alone, or set names for the names of Nodes",
        ),
    ),
]
"""ClusterNodeId."""
NodeLogicalId = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?$")]
"""ClusterNodeLogicalId."""
ObjectName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=253,
        **worded(
            r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
            "names in Kubernetes have lower case letters, digits, inner dashes and dots, and no namespace: correct it",
        ),
    ),
]
"""Name of a Kubernetes object."""
MaxInFlight = (
    Annotated[int, Field(ge=1, le=NODES_MOST)] | Annotated[str, Field(max_length=4, pattern=r"^([1-9][0-9]?|100)%$")]
)
"""A number of nodes, or a share of those of the operation."""

IN_FLIGHT = rules(
    rule(
        "type(self) == int ? (self >= 1 && self <= 1000) : (self.size() <= 4 && self.matches('^([1-9][0-9]?|100)%$'))",
        message="maxInFlight is a number from 1 to 1000, or a percentage from 1% to 100%",
    )
)
Text = Annotated[str, Field(min_length=1, max_length=256)]
