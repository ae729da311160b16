"""How tests name an operation: alone (`DescribeVolumes`) or after its service (`eks:DescribeCluster`).

Some names exist in several services. Alone, such a name means SageMaker's or EC2's operation, which this simulator is
about; SageMaker and EC2 both have DeleteTags, and both are meant.
"""

import functools

from hyperpod_testbed.simulator.ebs.operations import OPERATIONS as EC2
from hyperpod_testbed.simulator.operations import OPERATIONS as SAGEMAKER

_FIRST = {"sagemaker", "ec2", "sts"}


@functools.cache
def spellings(service: str, operation: str) -> frozenset[str]:
    """Every way to name an operation of a service."""
    full = f"{service}:{operation}"
    taken = service not in _FIRST and (operation in SAGEMAKER or operation in EC2)
    return frozenset({full} if taken else {operation, full})
