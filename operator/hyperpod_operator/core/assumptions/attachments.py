"""What is believed about volumes on HyperPod nodes."""

from hyperpod_operator.core.assumptions.model import Assumption

_EITHER = "unit/controllers/volume/test_either_answer.py::test_the_life_of_a_volume_ends_the_same"

ATTACHMENTS = (
    Assumption(
        id="associated-resource-names-the-node",
        belief="An attachment to a HyperPod node has no InstanceId of the account; its AssociatedResource is the "
        "cluster's ARN with a hyphen and the instance id.",
        source="SRC: aws-ebs-csi-driver, pkg/cloud/cloud.go",
        if_false="The attachment counts as foreign: the operator reports it and never ends it.",
        tests=("unit/core/volume/test_device.py::test_any_other_form_is_not_guessed_at",),
    ),
    Assumption(
        id="attachment-shows-late",
        belief="DescribeVolumes may show an attachment that AttachClusterNodeVolume made only minutes later.",
        source="INF: EC2 documents no limit, and there is no measurement",
        if_false="With a longer lag than the operator waits, it asks again; AWS refuses, because the volume is in use.",
        tests=(
            "unit/controllers/volume/test_long_lag.py::"
            "test_an_attach_whose_answer_was_lost_and_that_shows_late_stays_ours",
            _EITHER,
        ),
        switches=("attachment_lag",),
    ),
    Assumption(
        id="attach-may-fail-later",
        belief="AWS may accept AttachClusterNodeVolume and drop the attachment afterwards, because EBS cannot use the "
        "volume's KMS key: nothing but an EventBridge event says so.",
        source="DOC: EBS User Guide, Amazon EventBridge events for Amazon EBS, attachVolume; LIVE: EC2's AttachVolume "
        "refuses it with CustomerKeyHasBeenRevoked (kubernetes/kubernetes #62171); INF: that SageMaker's call accepts "
        "it",
        if_false="The refusal of the call says why, and the claim names the key.",
        tests=(
            "unit/controllers/volume/test_stuck.py::test_an_attach_that_comes_to_nothing_is_told",
            "unit/core/volume/test_report.py::test_a_key_that_cannot_be_used_is_no_matter_of_the_spec",
        ),
    ),
    Assumption(
        id="attach-time-tells-who-asked",
        belief="AttachTime is the time of the call that asked for the attachment, within six minutes; of a call "
        "without an answer it is the time at which AWS carried it out, within ten minutes.",
        source="DOC: EC2 API reference, VolumeAttachment; IAM user guide, signed requests: AWS takes none whose time "
        "is more than five minutes away from its own; INF: the other minutes",
        if_false="The operator takes its own attachment for a foreign one and does not end it. In any case an "
        "attachment that another client makes to the chosen instance within ten minutes of a call whose answer was "
        "lost counts as the operator's.",
        tests=(
            "unit/controllers/volume/test_late_writes.py"
            "::test_a_life_ends_the_same_however_late_a_write_is_carried_out",
            "unit/core/volume/test_attachment.py::test_an_attachment_that_began_after_our_last_call_is_not_ours_to_end",
        ),
    ),
    Assumption(
        id="attach-needs-in-service",
        belief="AttachClusterNodeVolume and DetachClusterNodeVolume work only while the cluster is InService.",
        source="DOC: SageMaker API reference, AttachClusterNodeVolume; INF: its error code, and groups that change",
        if_false="The operator waits when AWS would attach. If AWS refuses also in other states, the operator tries "
        "again when the cluster is InService.",
        tests=(
            "unit/core/volume/test_attachment.py::"
            "test_nothing_is_attached_or_detached_while_the_cluster_is_not_in_service",
            "unit/controllers/volume/test_moves.py::test_a_refusal_because_the_cluster_changes_is_no_error",
            _EITHER,
        ),
        switches=("attach_gate", "attach_gate_error"),
    ),
    Assumption(
        id="attach-needs-running-node",
        belief="A node whose InstanceStatus is not Running takes no volume, or may be replaced before a pod uses it.",
        source="INF: the operations' pages name no state of the node; DOC: SageMaker developer guide, deep health "
        "checks, whose failures replace nodes",
        if_false="The operator waits for Running when AWS would attach the volume sooner.",
        tests=("unit/core/volume/test_target.py::test_why_nothing_is_attached_to_a_given_node",),
    ),
    Assumption(
        id="ec2-errors-are-wrapped",
        belief="SageMaker passes on an error of EC2 as ValidationException, with EC2's code in the text, or in a "
        "sentence without a code.",
        source="LIVE: HyperPod - Ec2ErrCode in messages; INF: that every code is passed on",
        if_false="Without the code the operator reports the words and tries again, less often each time; it does not "
        "try another node.",
        tests=("unit/aws/test_volume_shapes.py::test_the_error_that_sagemaker_wraps_is_taken_out", _EITHER),
        switches=("ec2_errors",),
    ),
    Assumption(
        id="attach-again-is-harmless",
        belief="AttachClusterNodeVolume of a volume that is attached to that node already fails or succeeds, and "
        "changes nothing.",
        source="INF: no page says it",
        if_false="If it attached a second time, the operator would see two attachments, and would end neither.",
        tests=(
            "unit/core/volume/test_attachment.py::test_more_than_one_attachment_is_nobodys_to_end",
            _EITHER,
        ),
        switches=("attach_again",),
    ),
    Assumption(
        id="detach-while-attaching-may-be-refused",
        belief="AWS accepts or refuses DetachClusterNodeVolume of an attachment that is still attaching.",
        source="INF: no page says it",
        if_false="Nothing: a refusal leaves the condition, and the attachment is broken off once at most.",
        tests=(
            "unit/controllers/volume/test_moves.py::test_a_stuck_attach_is_broken_off_once_and_then_told",
            _EITHER,
        ),
        switches=("detach_while_attaching",),
    ),
    Assumption(
        id="ended-instance-is-gone",
        belief="An instance that ListClusterNodes does not list, or lists as ShuttingDown or NotFound, runs no process "
        "that still writes once EC2 shows its volume as available.",
        source="DOC: EBS User Guide, Detach an EBS volume: available means that nothing has the volume",
        if_false="Two nodes could write to one volume, which EC2 prevents for volumes without Multi-Attach.",
        tests=(
            "unit/controllers/volume/test_moves.py::test_a_node_that_failed_keeps_its_volume_until_aws_ends_it",
            "unit/controllers/volume/test_moves.py::test_a_node_that_left_kubernetes_keeps_its_volume",
        ),
    ),
    Assumption(
        id="ended-node-releases-its-volumes",
        belief="EC2 shows a volume as available after its node has ended; or keeps the attachment, or HyperPod waits "
        "with the end until the volume is detached.",
        source="INF: no page says it",
        if_false="If the attachment stays, the operator detaches after a while. If the volume is deleted, the claim "
        "reports it as lost and makes no empty one in its place.",
        tests=(
            "unit/controllers/volume/test_either_answer.py::"
            "test_an_attachment_that_outlives_its_node_is_detached_after_a_while",
            "unit/controllers/volume/test_either_answer.py::"
            "test_a_volume_that_went_with_its_node_is_told_and_not_made_anew",
            _EITHER,
        ),
        switches=("node_end", "node_waits_for_detach"),
    ),
    Assumption(
        id="delete-on-termination-may-be-set",
        belief="It is not known whether an attachment that SageMaker makes has DeleteOnTermination.",
        source="INF: the member is in answers of EC2, and no page says its value",
        if_false="Nothing: if it is true, the condition DataAtRisk says so.",
        tests=("unit/core/volume/test_report.py::test_delete_on_termination_is_a_danger_that_is_told", _EITHER),
        switches=("delete_on_termination",),
    ),
    Assumption(
        id="slots-of-a-node",
        belief="A node takes MaximumEbsAttachments volumes, less its block devices, and less its network interfaces "
        "where the limit is shared. HyperPod sets both as labels, and may cap the count by its device names.",
        source="SRC: aws-ebs-csi-driver, pkg/driver/node.go; LIVE: the labels",
        if_false="The operator chooses a full node, EC2 refuses with AttachmentLimitExceeded, and another node of the "
        "group is tried.",
        tests=(
            "unit/controllers/volume/test_conflicts.py::test_a_node_that_ec2_refuses_is_passed_over",
            _EITHER,
        ),
        switches=("attachment_labels", "device_names", "device_names_cap", "attachment_limits"),
    ),
    Assumption(
        id="multi-attach-is-not-used",
        belief="It is not known whether a Multi-Attach volume can be attached to a second HyperPod node.",
        source="INF: no page says it",
        if_false="Nothing: mode Direct refuses volumes with Multi-Attach.",
        tests=("unit/core/volume/test_ownership.py::test_multi_attach_is_refused_in_direct_only", _EITHER),
        switches=("multi_attach_nodes",),
    ),
    Assumption(
        id="device-path-is-stable",
        belief="On a Nitro instance the link /dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol… leads to the volume, "
        "whatever device name AWS gives.",
        source="DOC: EBS User Guide, Identify NVMe devices; SRC: aws-ebs-csi-driver; INF: HyperPod's image",
        if_false="Pods stay in ContainerCreating, because kubelet does not find the device.",
        untested="It concerns the operating system of a real node, which the test bed does not have.",
    ),
)
