"""Names of Service Quotas of SageMaker that bound HyperPod.

Codes differ from account to account and are published nowhere; names are (SageMaker developer guide,
sagemaker-hyperpod-prerequisites, "SageMaker HyperPod quotas"). [assumption: preflight-quota-names]
"""

CLUSTER_SIZE = "Maximum number instances allowed per SageMaker HyperPod cluster"
ALL_CLUSTERS = "Total number of instances allowed across SageMaker HyperPod clusters"
ALL_SPOT = "Total number of Spot instances allowed across SageMaker HyperPod clusters"
VOLUME_SIZE = "Maximum size of EBS volume in GB for a SageMaker HyperPod cluster instance"
RESTRICTED_STORAGE = "Maximum total FSx Lustre capacity in TiB across HyperPod restricted instance groups"
RESERVED = "Number of {type} instances in reserved capacity across training plans per Region"
FURTHER = "further quotas that were not read"
"""Stands among the names where a list was not read to its end: what it lacks may exist."""
GROUPS = 20
"""Groups in a cluster that AWS documents; its API takes 100."""


def of_type(instance_type: str, *, spot: bool = False) -> str:
    """The quota for instances of a type over all clusters of the account and Region."""
    return f"{instance_type} for cluster {'spot instance ' if spot else ''}usage"


def all_of(instance_type: str) -> frozenset[str]:
    """Every quota that names a type: some can be had by Spot or training plans alone."""
    return frozenset({of_type(instance_type), of_type(instance_type, spot=True), reserved(instance_type)})


def reserved(instance_type: str) -> str:
    """The quota for instances of a type that training plans reserve, over all plans of the account and Region.

    Source: LIVE, Service Quotas of an account in us-west-2 (L-9EF527CA for ml.p5.48xlarge).
    """
    return RESERVED.format(type=instance_type)
