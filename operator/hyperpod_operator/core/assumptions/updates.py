"""What is believed about UpdateCluster and UpdateClusterSoftware."""

from hyperpod_operator.core.assumptions.model import Assumption

_EITHER = "unit/controllers/test_either_answer.py::test_the_life_of_a_cluster_ends_the_same"
_EVERY = "unit/controllers/test_every_answer.py::test_the_life_of_a_cluster_ends_the_same_under_every_answer"

UPDATES = (
    Assumption(
        id="busy-clusters-refuse-updates",
        belief="UpdateCluster is refused while the cluster is Creating, Updating, RollingBack or SystemUpdating.",
        source="DOC: SageMaker API reference, UpdateCluster, ConflictException; INF: for RollingBack",
        if_false="The operator waits with an update that AWS would take. A Failed cluster gets the update; if AWS "
        "refuses it, the operator reports that and asks again seldom.",
        tests=(
            "unit/controllers/test_trouble.py::test_a_conflict_is_waited_out",
            "unit/controllers/test_trouble.py::test_a_failed_cluster_that_takes_no_change_is_not_hammered",
            _EVERY,
        ),
        switches=("update_when_failed", "update_when_rolling_back", "busy_code"),
    ),
    Assumption(
        id="omitted-groups-either-way",
        belief="It is not known whether UpdateCluster keeps or deletes a group that the request does not name.",
        source="DOC: the scale-down page keeps it, a troubleshooting guide says that it is deleted",
        if_false="Nothing: each request names every group that stays.",
        tests=("unit/core/test_requests.py::test_a_foreign_group_is_sent_as_it_is", _EITHER),
        switches=("omitted_groups",),
    ),
    Assumption(
        id="omitted-members-either-way",
        belief="It is not known whether UpdateCluster keeps or unsets a member that a named group leaves out.",
        source="INF: no page says it",
        if_false="Nothing, where botocore's model has the member: each kept group is sent in full. A member that AWS "
        "added later is in no answer that the operator can read, so an update may unset it.",
        tests=("unit/core/test_requests.py::test_a_kept_group_is_sent_in_full_with_what_aws_filled_in", _EITHER),
        switches=("omitted_members",),
    ),
    Assumption(
        id="described-groups-can-be-sent-back",
        belief="UpdateCluster accepts a group as DescribeCluster shows it, with what AWS filled in and with "
        "InstanceStorageConfigs: [].",
        source="INF: Terraform and CloudFormation send groups in full; LIVE: the empty list is in answers",
        if_false="Each update of the cluster is refused with ValidationException; nothing is destroyed, and the "
        "message names the member.",
        tests=(_EITHER,),
        switches=("empty_storage_echoed",),
    ),
    Assumption(
        id="some-group-members-are-fixed",
        belief="On an existing group UpdateCluster cannot change InstanceType, ExecutionRole, ThreadsPerCore, "
        "OverrideVpcConfig, InstanceStorageConfigs, TrainingPlanArn and CapacityRequirements.",
        source="DOC: SageMaker developer guide, Updating a HyperPod cluster, for the first four; INF: from Terraform's "
        "provider for the others",
        if_false="The operator asks for a new group where AWS would have changed the old one.",
        tests=("unit/core/test_diff.py::test_members_that_no_call_can_change_are_told_apart", _EITHER),
        switches=("immutables",),
    ),
    Assumption(
        id="minimum-not-above-count",
        belief="AWS refuses a MinInstanceCount above InstanceCount.",
        source="DOC: SageMaker API reference, ClusterInstanceGroupSpecification",
        if_false="The operator sends a lower minimum than the spec has until the count has grown.",
        tests=("unit/core/test_counts_of_others.py::test_no_update_ever_carries_a_minimum_above_its_count",),
    ),
    Assumption(
        id="failed-updates-roll-back",
        belief="AWS returns to the former configuration when an update fails, and shows that by the status "
        "RollingBack, a new FailureMessage or SoftwareUpdateStatus.",
        source="DOC: SageMaker developer guide, Updating a HyperPod cluster; INF: the status after the rollback",
        if_false="Without a sign the operator waits ten minutes and then counts the update as rolled back.",
        tests=(
            "unit/core/test_guards.py::test_a_call_that_aws_rolled_back_waits",
            "unit/core/test_guards.py::test_a_change_that_aws_does_not_show_is_not_called_rolled_back_for_ten_minutes",
            _EVERY,
        ),
        switches=("failed_update_ends",),
    ),
    Assumption(
        id="repeated-image-changes-nothing",
        belief="UpdateCluster with the image that the group has changes no software; only UpdateClusterSoftware does.",
        source="DOC: SageMaker API reference, UpdateClusterSoftware",
        if_false="An update of something else would patch nodes of a group whose spec pins an image. A group without "
        "a pin is not affected, because its image is not sent.",
        tests=(
            "unit/core/test_requests.py::test_an_image_that_aws_chose_does_not_become_a_pin",
            "unit/core/test_requests.py::test_a_pinned_image_is_repeated_as_it_is_so_that_update_never_patches",
            _EVERY,
        ),
        switches=("software_desired_image",),
    ),
    Assumption(
        id="default-image-has-other-names",
        belief="AWS may show the ImageId default as the image that it means at the time.",
        source="INF: DescribeCluster shows the image that a group runs",
        if_false="Nothing: both names count as the same image.",
        tests=("unit/core/test_lost_and_garbled.py::test_the_default_image_under_another_name_is_no_drift",),
    ),
    Assumption(
        id="software-update-words",
        belief="During UpdateClusterSoftware the cluster and its groups are Updating or SystemUpdating; at the end of "
        "a failed update SoftwareUpdateStatus is Failed or RollbackComplete. A node keeps the message of its last try.",
        source="LIVE: Updating, Failed and the message; MODEL: SystemUpdating and RollbackComplete",
        if_false="With other words a message of an earlier try is reported as a failing lifecycle script.",
        tests=(
            "unit/core/test_causes.py::test_a_message_of_an_earlier_try_is_no_failed_script",
            "unit/core/test_causes.py::test_after_a_failed_update_the_message_tells_why",
            _EVERY,
        ),
        switches=("software_update_status", "failed_software_update_ends", "software_messages"),
    ),
    Assumption(
        id="rolled-back-images-are-one",
        belief="A software update that failed and was rolled back leaves SoftwareUpdateStatus Failed until the next "
        "one, and Current and Desired image are the same when all nodes have the former image again.",
        source="MODEL: Current… and Desired… image of ClusterInstanceGroupDetails, which swap on a rollback",
        if_false="If they are the same while nodes have the new image, the cluster is reported as Ready although it "
        "has two releases. Otherwise a group that serves is reported as failed until its next software update.",
        tests=(
            "unit/core/test_causes.py::test_a_failed_update_that_is_rolled_back_is_over_when_the_images_are_one",
            "unit/controllers/test_life.py::test_a_release_that_failed_and_is_taken_back_is_no_trouble_any_more",
        ),
        switches=("failed_software_update_ends",),
    ),
    Assumption(
        id="patch-date-is-planned",
        belief="HyperPod plans NextPatchDate itself and moves it after each patch.",
        source="MODEL: PatchSchedule.NextPatchDate",
        if_false="The operator does not send a date unless the spec names it: the group keeps what AWS has.",
        tests=("unit/core/test_requests.py::test_the_patch_date_that_hyperpod_plans_is_not_sent_back",),
    ),
    Assumption(
        id="fifty-tags",
        belief="A cluster has at most 50 tags at any time.",
        source="MODEL: TagList has at most 50 items",
        if_false="With a lower limit AWS refuses AddTags, and the operator reports its words.",
        tests=("unit/controllers/test_life.py::test_an_exchange_of_many_tags_never_holds_more_than_aws_takes",),
    ),
)
