"""What is believed about the counts of groups."""

from hyperpod_operator.core.assumptions.model import Assumption

_EVERY = "unit/controllers/test_every_answer.py::test_the_life_of_a_cluster_ends_the_same_under_every_answer"

COUNTS = (
    Assumption(
        id="scale-in-picks-nodes",
        belief="When a count is lowered, AWS chooses which nodes end, and no member of the request names them.",
        source="DOC: SageMaker developer guide, Scaling down a HyperPod cluster",
        if_false="Nothing: the operator lowers a count only after the spec's count was lowered.",
        tests=(
            "unit/core/test_diff.py::test_a_group_that_somebody_else_scaled_out_is_held",
            "unit/core/test_diff.py::test_without_a_record_scaling_in_is_held",
        ),
    ),
    Assumption(
        id="ending-instances-still-count",
        belief="While instances end, CurrentCount stays above TargetCount; ListClusterNodes drops them and failed "
        "nodes before the count falls, or after it.",
        source="LIVE: nodes leave the list first, the count falls 15 to 20 minutes later",
        if_false="Nothing: a group above its target is progress in both orders.",
        tests=(
            "unit/core/test_usable.py::test_instances_that_end_are_progress_whether_or_not_they_are_still_listed",
            _EVERY,
        ),
        switches=("failed_nodes", "scale_in"),
    ),
    Assumption(
        id="replaced-instance-is-listed",
        belief="An instance that is being replaced stays in ListClusterNodes until it has ended, and is not in "
        "CurrentCount once its replacement is.",
        source="INF: DescribeCluster counts places of a group, ListClusterNodes lists instances",
        if_false="The list of troubled nodes misses the instance, or the count of nodes is one too high for minutes; "
        "volumes follow only when EC2 shows them as free.",
        tests=(
            "unit/controllers/test_faults.py::test_nodes_that_a_list_leaves_out_are_neither_replaced_nor_forgotten",
            "unit/core/test_departures.py::test_an_instance_that_hyperpod_replaces_is_no_further_node_to_end",
        ),
    ),
    Assumption(
        id="node-calls-may-change-targets",
        belief="It is not known whether BatchDeleteClusterNodes and MoveClusterNodes change TargetCount.",
        source="INF: the rule about MinInstanceCount makes sense only if a move lowers it",
        if_false="Nothing: a changed TargetCount is carried as an offset if an operation of ours, a listed move, a "
        "former group or an event explains it; an unchanged one needs no offset. A scale-in whose count does not fall "
        "deletes no further node.",
        tests=(
            "unit/controllers/test_scale_in_workloads.py"
            "::test_a_count_that_does_not_fall_ends_no_second_node_and_needs_a_choice",
            "unit/core/test_offsets.py::test_a_moved_node_is_neither_replaced_nor_held",
            "unit/core/test_offsets.py::test_what_an_operation_asked_for_needs_no_words_of_aws",
            "unit/controllers/test_counts.py::test_a_moved_node_is_neither_bought_again_nor_held",
            _EVERY,
        ),
        switches=("batch_delete_lowers_target", "move_changes_targets"),
    ),
    Assumption(
        id="moved-node-keeps-its-id",
        belief="MoveClusterNodes keeps the instance id. The node is DetachInProgress in its source group, then "
        "AttachInProgress in its target group.",
        source="DOC: SageMaker API reference, MoveClusterNodes; MODEL: both statuses",
        if_false="The operator finds no evidence of the move: it buys a node for the source group and holds the target "
        "group as scaled out by others.",
        tests=(
            "unit/core/test_offsets.py::test_a_node_on_its_way_is_enough_for_the_group_that_it_joins",
            "unit/core/test_offsets.py::test_without_evidence_the_spec_wins",
        ),
    ),
    Assumption(
        id="deletions-are-in-events",
        belief="After BatchDeleteClusterNodes, MoveClusterNodes or the console's deletion an event about the instance "
        "says so in one of the words of the table SIGNS.",
        source="MODEL: names of operations and statuses; INF: AWS does not document the words of events",
        if_false="Without such an event, the operator raises the count to the spec's, and the group gets a new node.",
        tests=(
            "unit/core/test_node_calls.py::test_each_sign_of_a_call_explains_a_lower_count",
            "unit/core/test_offsets.py::test_a_node_deleted_by_name_is_not_bought_again",
            "unit/core/test_offsets.py::test_without_evidence_the_spec_wins",
        ),
    ),
    Assumption(
        id="group-status-explains",
        belief="A group is Degraded or Failed while instances of it are unhealthy or cannot be launched.",
        source="MODEL: InstanceGroupStatus; INF: which fault leads to which status",
        if_false="A group short of nodes is reported without this hint; events and nodes still explain it.",
        tests=("unit/core/test_diagnose.py::test_a_groups_status_tells_too", _EVERY),
        switches=("faults_degrade_group",),
    ),
)
