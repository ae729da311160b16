"""What EC2's and SageMaker's names say: whose an attachment is, and where on a node the disk is found.

An attachment to a HyperPod node has no InstanceId: its AssociatedResource is the cluster's ARN with the instance
id joined on. Another form is never guessed at, because a wrong guess here would be a detach of somebody else's.
"""

import re
from dataclasses import dataclass

# [assumption: associated-resource-names-the-node]
ASSOCIATED_RESOURCE = re.compile(
    r"arn:(?P<partition>aws[a-z-]*):sagemaker:(?P<region>[a-z0-9-]+):(?P<account>[0-9]{12}):"
    r"cluster/(?P<cluster_id>[a-z0-9]{12})-(?P<instance_id>i-[0-9a-f]{8}(?:[0-9a-f]{9})?)"
)
"""`Attachments[].AssociatedResource` of a volume on a HyperPod node."""

# [assumption: device-path-is-stable]
BY_ID = "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_"


@dataclass(frozen=True, slots=True, kw_only=True)
class AssociatedResource:
    """The HyperPod node that an attachment is about."""

    cluster_arn: str
    cluster_id: str
    instance_id: str


def associated_resource(text: str) -> AssociatedResource | None:
    """The node that an AssociatedResource names; None for any other form, so for anything that is not HyperPod's."""
    found = ASSOCIATED_RESOURCE.fullmatch(text)
    if found is None:
        return None
    cluster_id, instance_id = found["cluster_id"], found["instance_id"]
    return AssociatedResource(
        cluster_arn=text.removesuffix(f"-{instance_id}"), cluster_id=cluster_id, instance_id=instance_id
    )


def device_path(volume_id: str) -> str:
    """The disk's stable path on whatever node it is attached to; DeviceName and /dev/nvme* are neither."""
    return BY_ID + volume_id.replace("-", "")


def volume_of(path: str) -> str:
    """The volume whose path `device_path` tells; empty for any other path."""
    named = path.removeprefix(f"{BY_ID}vol")
    return f"vol-{named}" if named != path and named.isalnum() else ""
