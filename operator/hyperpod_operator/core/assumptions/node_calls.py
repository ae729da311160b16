"""What is believed about calls that name nodes."""

from hyperpod_operator.core.assumptions.model import Assumption

_ANSWERS = "unit/controllers/nodeoperation/test_every_answer.py"

NODE_CALLS = (
    Assumption(
        id="fifty-deletions-in-a-call",
        belief="BatchDeleteClusterNodes takes 50 instance ids in one call.",
        source="MODEL: NodeIds has up to 3000 items; DOC: SageMaker API reference, 99 nodes, and 50 where "
        "NodeLogicalIds are named",
        if_false="AWS rejects the whole call, which is reported, and no node is deleted.",
        tests=("unit/aws/test_node_batches.py::test_more_deletions_than_aws_takes_are_rejected_as_a_whole",),
        switches=("batch_delete_limit",),
    ),
    Assumption(
        id="node-codes",
        belief="A status or a use by something else passes, so InvalidNodeStatus, InvalidInstanceStatus, NodeIdInUse "
        "and InstanceIdInUse are worth another try; NodeInstanceTypeMismatch is not.",
        source="MODEL: enumerations of the codes; INF: what passes, from the codes' names",
        if_false="The operator sends the call again, each time after a longer pause, until the operation's deadline.",
        tests=("unit/core/nodes/test_batch.py::test_a_code_that_aws_adds_is_retried",),
    ),
    Assumption(
        id="reboot-changes-boot-id",
        belief="After BatchRebootClusterNodes the instance keeps its id, and its Node has another bootID.",
        source="DOC: SageMaker API reference, BatchRebootClusterNodes; DOC: Kubernetes API reference, NodeSystemInfo",
        if_false="The operation waits for another boot id until its deadline, and then fails; nothing is sent again.",
        tests=("unit/core/nodeoperation/test_evidence.py::test_without_boot_ids_a_reboot_is_seen_by_its_absence",),
    ),
    Assumption(
        id="karpenter-replaces-by-need",
        belief="In a group that Karpenter scales, BatchReplaceClusterNodes ends the instance, and another one comes "
        "only if pods are pending.",
        source="DOC: SageMaker developer guide, Autoscaling; INF: that Karpenter scales every group whose count the "
        "spec does not keep for the operator, because AWS does not show which ones it scales",
        if_false="An operation goes on to the next node of such a group before another instance is in the place of the "
        "last one.",
        tests=(
            "unit/core/nodeoperation/test_evidence.py::test_where_karpenter_scales_a_replaced_node_is_done_when_it_is_gone",
        ),
    ),
    Assumption(
        id="check-shows-on-node",
        belief="While StartClusterHealthCheck works, the instance is DeepHealthCheckInProgress or its Node is labelled "
        "InProgress; a failed check leaves the label Failed, and HyperPod reboots or replaces the node.",
        source="DOC: SageMaker developer guide, Deep health checks; INF: a started check has the same signs as one on "
        "a new node",
        if_false="The check is not seen to start, and the operation fails at its deadline without having done more.",
        tests=("unit/core/nodeoperation/test_evidence.py::test_a_check_that_is_not_seen_is_not_done",),
    ),
    Assumption(
        id="blocked-node-calls-pass-later",
        belief="What AWS refuses because of a state passes later, whether AWS refuses the whole call, by "
        "ConflictException or ValidationException, or each node in an answer with HTTP 200; nothing was done about a "
        "node that is refused.",
        source="DOC: SageMaker API reference, BatchDeleteClusterNodes, HTTP 400 when all nodes fail; INF: the same "
        "for reboot and replace; no answer of a blocked call is recorded",
        if_false="The operator sends the call again, each time after a longer pause, until the operation's deadline.",
        tests=(
            f"{_ANSWERS}::test_a_call_that_the_cluster_blocks_is_repeated_until_it_passes",
            f"{_ANSWERS}::test_a_call_of_which_every_node_fails_is_repeated_until_it_passes",
        ),
        switches=("batch_all_failed", "blocked_batch_error"),
    ),
    Assumption(
        id="node-calls-wait-for-service",
        belief="MoveClusterNodes is refused unless both clusters are InService, and BatchDeleteClusterNodes while the "
        "cluster is Creating, Updating, SystemUpdating, RollingBack or Deleting. Whether AWS refuses other calls about "
        "nodes then, or in a cluster that is Failed, is not known: the operator tries one node at a time.",
        source="DOC: SageMaker API reference, MoveClusterNodes; DOC: SageMaker developer guide, scaling down",
        if_false="A node waits for a cluster in which AWS would take the call, until the operation's deadline. Of one "
        "that AWS refuses, no further pod leaves, and the operator asks again after longer pauses.",
        tests=(
            "unit/controllers/nodeoperation/test_out_of_service.py::test_no_pod_leaves_for_a_call_that_aws_documents_to_refuse",
            "unit/controllers/nodeoperation/test_out_of_service.py::test_one_node_is_tried_and_no_other_follows_while_aws_refuses_it",
        ),
        switches=("blocked_batch_error",),
    ),
    Assumption(
        id="aws-judges-moves",
        belief="AWS refuses a move between groups or clusters whose configurations it calls incompatible; it documents "
        "no rule.",
        source="DOC: SageMaker API reference, MoveClusterNodes",
        if_false="Nothing: the operator repeats AWS's words about the nodes that it refuses.",
        tests=(f"{_ANSWERS}::test_an_operation_ends_the_same",),
        switches=("move_compatible",),
    ),
    Assumption(
        id="moves-change-the-group-alone",
        belief="MoveClusterNodes takes a node to another group that has its instance type, and to no other one.",
        source="MODEL: TargetInstanceGroupName names another group where the cluster is the same; the code "
        "NodeInstanceTypeMismatch",
        if_false="A move that AWS would carry out is skipped, with a message that says why.",
        untested="The operator sends no such move, so AWS has nothing to answer.",
    ),
    Assumption(
        id="moves-keep-the-minimum",
        belief="MoveClusterNodes leaves no group with fewer nodes than its minInstanceCount, and counts TargetCount.",
        source="DOC: SageMaker API reference, MoveClusterNodes; INF: which count",
        if_false="A node that AWS would move waits until the minimum is lowered or the group is scaled out; one that "
        "AWS refuses is drained and asked about again until the operation's deadline.",
        tests=(
            "unit/controllers/nodeoperation/test_unfit.py::test_a_move_waits_while_its_group_has_no_more_than_its_minimum",
        ),
    ),
    Assumption(
        id="restricted-groups-keep-their-nodes",
        belief="MoveClusterNodes takes no node of a restricted instance group, and none joins one. All other calls "
        "that name nodes take them.",
        source="INF: a moved node gets the lifecycle script and the settings of its new group, and a restricted group "
        "has none; MODEL: only the calls that attach volumes and network interfaces exclude restricted groups",
        if_false="A move that AWS would carry out is skipped, with a message that says why; another call that AWS "
        "refuses is reported in AWS's words until the operation's deadline.",
        untested="AWS documents neither answer, and the operator sends no such move.",
    ),
    Assumption(
        id="check-may-end-in-repair",
        belief="A check that StartClusterHealthCheck starts may end with a reboot or a replacement of a node that "
        "fails, also with NodeRecovery None.",
        source="DOC: SageMaker developer guide, Deep health checks; INF: the text names no exception for NodeRecovery",
        if_false="Nothing: the operation reports what became of the node, and asks for no repair.",
        tests=(f"{_ANSWERS}::test_an_operation_ends_the_same",),
        switches=("demanded_check_repairs",),
    ),
)
