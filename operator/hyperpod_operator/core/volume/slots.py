"""How many volumes a node can take, and has: HyperPod's own disks and network interfaces count against EC2's limit.

Source: aws-ebs-csi-driver, `pkg/driver/node.go`, getVolumesLimit; the two labels are HyperPod's.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from hyperpod_operator.api.names import SAGEMAKER_PREFIX
from hyperpod_operator.core.volume.device import associated_resource
from hyperpod_operator.core.volume.ports import AttachmentLimit, Volume

INTERFACES = f"{SAGEMAKER_PREFIX}num-eni-attachments"
BLOCK_DEVICES = f"{SAGEMAKER_PREFIX}num-block-device-mappings"


# [assumption: slots-of-a-node]
def slots(limit: AttachmentLimit | None, *, labels: Mapping[str, str]) -> int | None:
    """Volumes that may be attached beside what the node booted with; None where EC2 did not tell."""
    if limit is None:
        return None
    interfaces, devices = _number(labels.get(INTERFACES)), _number(labels.get(BLOCK_DEVICES))
    shared = max(0, interfaces - 1) if limit.shared else 0
    return max(1, limit.maximum - (devices + 1) - shared)


def attached(volumes: Iterable[Volume]) -> Mapping[str, int]:
    """Attachments by instance id."""
    counts: Counter[str] = Counter()
    for volume in volumes:
        for attachment in volume.attachments:
            node = associated_resource(attachment.associated_resource)
            if node is not None and attachment.state != "detached":
                counts[node.instance_id] += 1
    return counts


def _number(text: str | None) -> int:
    return int(text) if text is not None and text.isdecimal() else 0
