"""What is believed about accounts, Regions, zones, names and permissions."""

from hyperpod_operator.core.assumptions.model import Assumption

PLACES = (
    Assumption(
        id="cluster-shares-place-with-eks",
        belief="A HyperPod cluster and its EKS cluster have the same partition, Region and account.",
        source="DOC: SageMaker developer guide, sagemaker-hyperpod-eks-prerequisites",
        if_false="The operator refuses to manage a cluster that AWS would allow, and says which ARN lies elsewhere.",
        tests=(
            "unit/controllers/test_identity.py::test_nothing_is_created_in_the_wrong_place",
            "unit/core/test_placement.py::test_what_aws_cannot_use_from_here_is_named",
        ),
    ),
    Assumption(
        id="role-passed-in-own-account",
        belief="A role can be passed to a service within its own account only.",
        source="DOC: IAM User Guide, Grant a user permissions to pass a role to an AWS service",
        if_false="The operator refuses a role of another account that AWS would accept.",
        tests=("unit/core/test_placement.py::test_what_aws_cannot_use_from_here_is_named",),
    ),
    Assumption(
        id="key-may-be-of-another-account",
        belief="A KMS key or a training plan may belong to another account, and is used in its own Region only.",
        source="DOC: KMS Developer Guide, Allowing users in other accounts to use a KMS key",
        if_false="AWS refuses the call, and the operator reports its words.",
        tests=(
            "unit/core/test_placement.py::test_a_key_of_another_account_may_be_shared",
            "unit/core/volume/test_whereabouts.py::test_a_key_of_another_account_and_one_without_an_arn_may_be_right",
        ),
    ),
    Assumption(
        id="ec2-refuses-zones-of-other-regions",
        belief="EC2 refuses a zone that is not one of the Region that the call is sent to.",
        source="DOC: EC2 API reference, CreateVolume and error InvalidZone.NotFound",
        if_false="A tenant could place a volume in a Region that its entry does not allow.",
        untested="The endpoint of a Region serves that Region alone; nothing the operator does could change that.",
    ),
    Assumption(
        id="iam-tag-keys-without-case",
        belief="IAM compares the keys of tags in conditions without case, and EC2 and SageMaker store them with case.",
        source="DOC: IAM User Guide, Controlling access using tags",
        if_false="The operator refuses spellings of its own tag keys that would be harmless.",
        tests=(
            "unit/core/tenancy/test_tenants.py::test_a_reserved_tag_is_refused_in_any_case_and_without_a_list",
            "unit/core/tenancy/test_tenants.py::test_a_key_that_is_not_reserved_is_free",
        ),
    ),
    Assumption(
        id="eks-ca-without-key-identifier",
        belief="The certificate authority of an EKS cluster may have no Authority Key Identifier, so that the strict "
        "check of certificates (Python's default since 3.13) refuses its API server.",
        source="LIVE: github.com/kubernetes-client/python/issues/2394, github.com/awslabs/mcp/issues/3791",
        if_false="Nothing: certificates that pass the strict check pass without it.",
        tests=(
            "unit/kube/test_certificates.py::test_our_calls_verify_chain_and_name_but_not_strictly",
            "unit/kube/test_certificates.py::test_kopfs_connections_verify_chain_and_name_but_not_strictly",
        ),
    ),
    Assumption(
        id="prices-have-usage-types",
        belief="AWS's price list has an instance of a HyperPod cluster under a usage type that ends with Cluster: and "
        "the instance type, at one on-demand price per Region.",
        source="LIVE: USW2-Cluster:ml.p4d.24xlarge in bills; DOC: AWS Price List API reference, GetProducts",
        if_false="The cost is shown as unknown, with the type that has no price or several. No call depends on it.",
        tests=(
            "unit/aws/facts/test_prices.py::test_a_type_without_a_price_for_clusters_has_none",
            "unit/aws/facts/test_prices.py::test_two_prices_are_no_price",
        ),
    ),
    Assumption(
        id="node-restriction-on",
        belief="EKS runs the admission plugin NodeRestriction, so a kubelet cannot set labels under "
        "node-restriction.kubernetes.io or taints on its own Node, nor change another Node.",
        source="DOC: EKS best practices guide, Security; INF: EKS does not let you switch it off",
        if_false="A stolen credential of a node could attract the pods that use a volume to that node, or keep that "
        "node from operations.",
        untested="It concerns the control plane that AWS runs. The operator removes a label from a Node that does not "
        "hold the volume, which tests cover, but cannot prevent the moment before.",
    ),
    Assumption(
        id="role-propagates-slowly",
        belief="SageMaker cannot assume a role that was just made, for a short time, and answers ValidationException "
        "with words about assuming it.",
        source="LIVE: public installation scripts repeat CreateCluster for this reason",
        if_false="A role that can never be assumed is tried quickly a few times before the operator asks the user to "
        "act.",
        tests=(
            "unit/controllers/test_trouble.py::test_a_new_role_is_waited_for",
            "unit/controllers/test_trouble.py::test_a_role_that_never_comes_needs_a_person",
        ),
        switches=("role_attempts",),
    ),
)
