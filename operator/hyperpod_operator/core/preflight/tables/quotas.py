"""Names of Service Quotas of SageMaker that bound HyperPod.

Codes differ from account to account and are published nowhere; names are (SageMaker developer guide,
sagemaker-hyperpod-prerequisites, "SageMaker HyperPod quotas"). [assumption: preflight-quota-names]
"""

CLUSTER_SIZE = "Maximum number instances allowed per SageMaker HyperPod cluster"
ALL_CLUSTERS = "Total number of instances allowed across SageMaker HyperPod clusters"
ALL_SPOT = "Total number of Spot instances allowed across SageMaker HyperPod clusters"
VOLUME_SIZE = "Maximum size of EBS volume in GB for a SageMaker HyperPod cluster instance"
GROUPS = 20
"""Groups in a cluster that AWS documents; its API takes 100."""


def of_type(instance_type: str, *, spot: bool = False) -> str:
    """The quota for instances of a type over all clusters of the account and Region."""
    return f"{instance_type} for cluster {'spot instance ' if spot else ''}usage"
