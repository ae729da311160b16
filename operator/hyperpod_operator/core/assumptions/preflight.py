"""What preflight believes beyond its checks, each of which names its own source: lists, limits and names of AWS."""

from hyperpod_operator.core.assumptions.model import Assumption

_FOUND = "unit/core/preflight/test_table.py::test_a_check_finds_what_is_wrong"
_WARN = "unit/controllers/test_preflight.py::test_warn_creates_and_reports"
_GUIDE = "DOC: SageMaker developer guide"

PREFLIGHT = (
    Assumption(
        id="preflight-checks-hold",
        belief="What a check of preflight calls a failure, AWS refuses, or it makes instances that cannot work.",
        source="DOC: the page that each check names; INF: what the page does not say about the consequence",
        if_false="A call that AWS would accept waits, and the condition has the check's words; with "
        "spec.management.preflight Warn the operator makes the call. A check that passes wrongly costs nothing more: "
        "the operator reports AWS's refusal as without preflight.",
        tests=(
            _WARN,
            "unit/core/preflight/test_gate.py::test_a_failure_holds_nothing_unless_it_is_enforced",
            "unit/controllers/test_preflight.py::test_a_cluster_that_cannot_be_checked_is_created",
        ),
    ),
    Assumption(
        id="preflight-eks-versions",
        belief="HyperPod supports the Kubernetes versions and authentication modes of EKS that its page names.",
        source=f"{_GUIDE}, sagemaker-hyperpod-eks-prerequisites, as of 2026-07",
        if_false="A version that is newer than the list, or that an earlier page named, warns and holds nothing. An "
        "older version, or another mode, holds the call.",
        tests=(_FOUND, _WARN),
    ),
    Assumption(
        id="preflight-least-versions",
        belief="The VPC CNI plugin and the health monitoring agent have the least versions that AWS's pages name.",
        source=f"{_GUIDE}, sagemaker-hyperpod-eks-prerequisites, Networking; {_GUIDE}, "
        "sagemaker-hyperpod-eks-autoscaling",
        if_false="With an older version that works the call waits.",
        tests=(_FOUND, _WARN),
    ),
    Assumption(
        id="preflight-names-of-workloads",
        belief="HyperPod's Helm chart installs the agent and the device plugins, and other CNI plugins are installed, "
        "under the names in the tables.",
        source=f"{_GUIDE}, sagemaker-hyperpod-eks-install-packages-using-helm-chart; SRC: the charts of these plugins",
        if_false="A plugin under another name warns; a missing agent holds groups with deep health checks or "
        "autoscaling only; another CNI plugin is not found.",
        tests=(_FOUND, _WARN),
    ),
    Assumption(
        id="preflight-eks-authority",
        belief="Every EKS cluster has a certificate authority of its own; DescribeCluster returns the certificate that "
        "pods find next to their token.",
        source="DOC: Amazon EKS API reference, Certificate; DOC: Kubernetes, Managing Service Accounts, "
        "kube-root-ca.crt",
        if_false="With one authority for several clusters, what another EKS cluster runs counts, and an object that "
        "was restored there takes over what the original has. With another certificate in the pods, checks of what "
        "the EKS cluster runs are Unknown and hold nothing, and an object that was applied again waits (NotOwned) "
        "until you remove the tags of the earlier one.",
        tests=(
            "unit/controllers/test_preflight.py::test_what_runs_in_another_eks_cluster_of_the_region_is_not_checked",
            "unit/controllers/test_restored_elsewhere.py::test_a_copy_in_another_control_plane_does_not_take_the_cluster",
            "unit/controllers/test_restored_elsewhere.py::test_one_that_was_rebuilt_in_its_place_continues",
        ),
    ),
    Assumption(
        id="preflight-quota-names",
        belief="Service Quotas lists the quotas of HyperPod and of EBS under the names in the tables; their codes "
        "differ from account to account.",
        source=f"{_GUIDE}, sagemaker-hyperpod-prerequisites, SageMaker HyperPod quotas; DOC: AWS general reference, "
        "Amazon EBS endpoints and quotas",
        if_false="The check is Unknown and holds nothing.",
        tests=(
            "unit/core/preflight/test_table.py::test_a_quota_that_is_not_listed_is_unknown",
            "unit/core/preflight/test_volume.py::test_a_quota_that_is_not_listed_is_unknown",
        ),
    ),
    Assumption(
        id="preflight-addresses-by-type",
        belief="An instance takes an address of its subnet for itself, for each pod that its type can run, and for its "
        "further EFA interfaces.",
        source=f"{_GUIDE}, sagemaker-hyperpod-eks-prerequisites, Maximum number of pods; {_GUIDE}, "
        "sagemaker-hyperpod-prerequisites, 81 addresses of an ml.p5.48xlarge",
        if_false="A subnet that is large enough warns. Only fewer addresses than instances fail.",
        tests=(_FOUND,),
    ),
    Assumption(
        id="preflight-efa-families",
        belief="Every size of the families in the table has EFA; DescribeInstanceTypes shows which other types have "
        "it.",
        source="DOC: Amazon EC2 user guide, Elastic Fabric Adapter, Supported instance types",
        if_false="Where EC2 may not be asked, the security groups of a type that is missing are not checked.",
        tests=("unit/core/preflight/test_table.py::test_a_type_without_efa_needs_no_rule_for_it",),
    ),
    Assumption(
        id="preflight-execution-role",
        belief="An execution role needs the actions in the table; HyperPod's managed policy has its others.",
        source=f"{_GUIDE}, sagemaker-hyperpod-prerequisites-iam, IAM role for SageMaker HyperPod",
        if_false="A role without an action that AWS no longer needs holds the call.",
        tests=(_FOUND, _WARN),
    ),
    Assumption(
        id="preflight-file-system-ports",
        belief="Instances mount FSx for Lustre by TCP 988 and FSx for OpenZFS by TCP 2049; FSx for Lustre also calls "
        "them back, and both need the further ports in the table.",
        source="DOC: FSx for Lustre user guide and FSx for OpenZFS user guide, File system access control with Amazon "
        "VPC",
        if_false="A group whose file system answers on another port waits; of further ports that are closed a warning "
        "says so. Rules with prefix lists count as open.",
        tests=(
            _FOUND,
            _WARN,
            "unit/core/preflight/test_file_systems.py::test_a_rule_that_cannot_be_evaluated_lets_traffic_through",
        ),
    ),
    Assumption(
        id="preflight-services-of-instances",
        belief="Instances call the services in the table, in addition to S3 and EKS.",
        source="SRC: hyperpod-cluster-debugger (awslabs), VPC without internet access",
        if_false="A subnet without a default route warns about an endpoint that is not needed, or does not name one "
        "that is missing. Nothing is held.",
        tests=(_FOUND,),
    ),
    Assumption(
        id="preflight-restricted-groups-since",
        belief="Restricted instance groups work on clusters that were created on or after 2025-07-16.",
        source=f"{_GUIDE}, nova-hp-cluster",
        if_false="A restricted group that AWS would add to an older cluster waits.",
        tests=(_FOUND, _WARN),
    ),
    Assumption(
        id="preflight-volume-limits",
        belief="Sizes, IOPS and throughput of EBS volumes have the ranges and ratios in the tables.",
        source="DOC: Amazon EBS user guide, volume types; SRC: AWS EBS CSI driver, pkg/cloud/cloud.go",
        if_false="A value above a range warns, since AWS raises ranges. One below a range, or beyond a ratio, holds "
        "the call.",
        tests=("unit/core/preflight/test_volume.py::test_a_check_finds_what_is_wrong",),
    ),
)
