"""What is believed about HyperPod's nodes, their Nodes in Kubernetes, and their health."""

from hyperpod_operator.core.assumptions.model import Assumption

_EITHER = "unit/controllers/test_either_answer.py::test_the_life_of_a_cluster_ends_the_same"
_EVERY = "unit/controllers/test_every_answer.py::test_the_life_of_a_cluster_ends_the_same_under_every_answer"

NODES = (
    Assumption(
        id="node-is-named-after-instance",
        belief="The Node of an instance is named hyperpod-<instance id>.",
        source="SRC: awslabs/ai-on-sagemaker-hyperpod; LIVE: kubectl output in AWS's workshops",
        if_false="The operator takes none of the cluster's Nodes for HyperPod's: it neither labels nor taints them, "
        "reports instances that never joined, and publishes no volume.",
        tests=(
            "unit/kube/nodes/test_nodes_decoding.py::test_a_node_whose_name_is_not_that_of_its_instance_makes_no_node",
        ),
    ),
    Assumption(
        id="provider-id-names-cluster-and-instance",
        belief="The providerID of a Node ends in hyperpod-<cluster id>-<instance id>, after the zone's id.",
        source="LIVE: three test fixtures; SRC: amazon-vpc-cni-k8s",
        if_false="The same as for another name: the Node is counted as foreign and left alone.",
        tests=(
            "unit/kube/nodes/test_nodes_decoding.py::test_a_provider_id_of_another_kind_makes_no_node",
            "unit/controllers/volume/test_either_answer.py"
            "::test_without_a_node_that_names_its_instance_no_volume_is_created",
            _EVERY,
        ),
        switches=("provider_id",),
    ),
    Assumption(
        id="node-joins-after-running",
        belief="An instance can be Running for some minutes before its Node exists.",
        source="LIVE: 1 to 5 minutes between SageMaker's and Kubernetes' view",
        if_false="A longer delay is reported as an instance that never joined, and the report ends when it joins.",
        tests=("unit/controllers/test_cluster_nodes.py::test_an_instance_that_never_joined_is_told_after_its_grace",),
    ),
    Assumption(
        id="pending-node-has-no-instance",
        belief="With IncludeNodeLogicalIds, ListClusterNodes has nodes without an instance id, type or launch time, "
        "although the model requires these.",
        source="DOC: SageMaker API reference, ListClusterNodes; INF: the members are empty or left out",
        if_false="Nothing: a node without an instance id is no node yet.",
        tests=(
            "unit/aws/test_answers_by_model.py::test_a_node_without_an_instance_has_no_id",
            "unit/aws/test_translate.py::test_a_pending_node_without_an_instance_is_a_node",
            _EITHER,
        ),
        switches=("pending_instance_id",),
    ),
    Assumption(
        id="health-label-is-the-word",
        belief="The label node-health-status says whether a node may get pods. Values that begin with Unschedulable "
        "keep pods off, Schedulable lets them in, and later releases may add values.",
        source="DOC: SageMaker developer guide, Resiliency-related Kubernetes labels",
        if_false="A value of another meaning that keeps pods off is safe; Schedulable on an unhealthy one admits pods.",
        tests=("unit/core/test_health_taint.py::test_every_decision_is_stable_and_touches_only_what_is_ours",),
    ),
    Assumption(
        id="one-health-taint",
        belief="HyperPod's taint has one form, node-health-status=Unschedulable:NoSchedule, and HyperPod removes it "
        "when the node is healthy.",
        source="DOC: SageMaker developer guide, sagemaker-hyperpod-eks-prerequisites; INF: whose taints it removes",
        if_false="A taint of another value is left alone. If HyperPod removes its own taints only, the operator "
        "removes those that it set, which it does anyway.",
        tests=(
            "unit/core/test_health_taint.py::test_a_taint_of_another_value_leaves_no_place_for_ours",
            "unit/core/test_health_taint.py::test_a_taint_that_somebody_else_set_stays",
            _EVERY,
        ),
        switches=("health_taint_removal",),
    ),
    Assumption(
        id="health-labels-come-late",
        belief="A node that has just joined has no health labels for a few minutes.",
        source="INF: the health monitoring agent starts after the node has joined",
        if_false="A node whose labels come later than the grace is reported, and not tainted.",
        tests=(
            "unit/core/test_health_taint.py::test_a_young_node_without_labels_is_given_time",
            "unit/core/test_health_taint.py::test_an_old_gpu_node_without_labels_is_reported_and_not_tainted",
        ),
    ),
    Assumption(
        id="cpu-nodes-are-not-watched",
        belief="HyperPod checks and replaces instances with GPUs or Neuron devices only.",
        source="DOC: SageMaker developer guide, HyperPod resiliency",
        if_false="The operator does not report a CPU node without health labels; it follows a label that is there.",
        tests=(
            "unit/core/test_health_taint.py::test_a_cpu_node_waits_for_no_label",
            "unit/core/test_health_taint.py::test_a_cpu_node_whose_instance_recovered_is_untainted",
            _EVERY,
        ),
        switches=("deep_check_accelerators_only", "label_commands_on_cpu"),
    ),
    Assumption(
        id="failed-node-has-two-words",
        belief="The status of a failed instance is Failure or Failed.",
        source="MODEL: Failure; DOC: Failed in the prose",
        if_false="With a third word the instance is listed as troubled, but not as unhealthy.",
        tests=(
            "unit/core/test_health_taint.py::test_and_one_whose_instance_sagemaker_calls_broken",
            _EVERY,
        ),
        switches=("failed_node_status",),
    ),
    Assumption(
        id="fault-shows-in-label-or-status",
        belief="A fault that the health monitoring agent finds is in the labels, whatever the instance's status is.",
        source="DOC: SageMaker developer guide, Resiliency-related Kubernetes labels; INF: the status",
        if_false="If only the status has it, the operator uses the status.",
        tests=(
            "unit/core/test_health_taint.py::test_a_node_that_hyperpod_calls_sick_gets_the_missing_taint",
            _EVERY,
        ),
        switches=("faulty_instance_status",),
    ),
    Assumption(
        id="deep-check-is-not-sickness",
        belief="A node under a deep health check is Unschedulable and DeepHealthCheckInProgress, and not unhealthy.",
        source="DOC: SageMaker developer guide, Deep health checks",
        if_false="An unhealthy node counts as checking until the check ends.",
        tests=(
            "unit/core/test_usable.py::test_a_node_that_checks_itself_is_not_sick",
            "unit/core/test_usable.py::test_a_check_does_not_hide_a_verdict",
        ),
    ),
    Assumption(
        id="type-label-has-prefix",
        belief="The label node.kubernetes.io/instance-type carries the type with its prefix ml.",
        source="DOC: SageMaker developer guide, sagemaker-hyperpod-eks-prerequisites",
        if_false="The operator sets the label once with the prefix, from what ListClusterNodes says of the instance.",
        tests=(
            "unit/core/test_health_labels.py::test_the_type_gets_its_prefix",
            "unit/core/test_health_labels.py::test_a_type_that_sagemaker_contradicts_is_left_and_told",
        ),
    ),
    Assumption(
        id="replacement-is-announced",
        belief="Before HyperPod replaces a node, the node's health label is UnschedulablePendingReplacement.",
        source="DOC: SageMaker developer guide, Resiliency-related Kubernetes labels",
        if_false="A replacement without the label leaves no snapshot of snapshotPolicy.beforeReplacement; the volume "
        "follows all the same.",
        tests=(
            "unit/controllers/volume/test_moves.py::test_a_volume_follows_the_replacement_of_its_node",
            "unit/controllers/volume/test_replacement.py::test_a_node_that_is_only_to_be_rebooted_brings_no_snapshot",
        ),
    ),
    Assumption(
        id="logical-id-may-change",
        belief="It is not known whether a replacement keeps the NodeLogicalId.",
        source="INF: the API says from provisioning request to termination",
        if_false="Nothing: a logical id finds a node and is never by itself a reason to follow one.",
        tests=(
            "unit/core/volume/test_target.py::test_a_logical_id_alone_is_no_ground_to_follow",
            "unit/controllers/volume/test_either_answer.py::test_the_life_of_a_volume_ends_the_same",
        ),
        switches=("replace_keeps_logical_id",),
    ),
)
