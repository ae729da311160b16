"""What is believed about EBS volumes, their modifications and snapshots."""

from hyperpod_operator.core.assumptions.model import Assumption

_EITHER = "unit/controllers/volume/test_either_answer.py::test_the_life_of_a_volume_ends_the_same"
_UNKNOWN = "unit/aws/test_volume_answers.py::test_a_member_that_is_not_known_makes_the_volume_unknown"

VOLUMES = (
    Assumption(
        id="create-volume-is-idempotent",
        belief="CreateVolume with the same ClientToken returns the same volume, or IdempotentParameterMismatch when "
        "another member differs; the token of a volume that failed stays used.",
        source="DOC: EC2 API reference, Ensuring idempotency; LIVE: aws-ebs-csi-driver on failed volumes",
        if_false="A lost answer makes a second volume; the operator touches neither of two with the claim's tag, and "
        "names both (VolumeAmbiguous).",
        tests=(
            "unit/core/volume/test_identity.py::test_a_burnt_token_gives_way_to_the_next_once_nothing_can_appear_any_more",
            "unit/core/volume/test_identity.py::test_of_several_that_carry_the_tag_none_is_taken_and_all_are_named",
        ),
    ),
    Assumption(
        id="volume-is-made-with-its-tags",
        belief="CreateVolume and CreateSnapshot put the tags of the request on in the same step.",
        source="DOC: EC2 User Guide, Tag your resources",
        if_false="A new volume without the claim's tag is not proved the claim's own: it is neither changed nor "
        "deleted until the tag shows.",
        tests=(
            "unit/core/volume/test_ownership.py::test_a_volume_that_only_status_calls_ours_is_neither_tagged_nor_changed",
        ),
    ),
    Assumption(
        id="failed-volumes-show-error",
        belief="A creation that fails later leaves a volume in state error, or none.",
        source="DOC: EC2 API reference, Volume state error; INF: that it can vanish",
        if_false="Nothing: both are cleared away and made again, three times.",
        tests=(
            "unit/controllers/volume/test_lost_answers.py::"
            "test_a_volume_that_fails_while_it_is_made_is_cleared_away_and_made_again",
            _EITHER,
        ),
        switches=("failed_volume",),
    ),
    Assumption(
        id="missing-volume-is-an-error",
        belief="DescribeVolumes by ids fails with InvalidVolume.NotFound when one of them does not exist; it never "
        "leaves one out without a word. DescribeSnapshots by id does the same with InvalidSnapshot.NotFound.",
        source="DOC: EC2 API reference, Error codes, InvalidVolume.NotFound and InvalidSnapshot.NotFound; "
        "SRC: aws-ebs-csi-driver, pkg/cloud/cloud.go, WaitForAttachmentState, where that error of DescribeVolumes is "
        "the end of a volume; INF: that one id of several is enough",
        if_false="The operator takes the answer for incomplete and does nothing about that claim: it makes no second "
        "snapshot for one that no list shows. An operator that cannot see the end of a volume never releases its "
        "claim; the annotation abandon does.",
        tests=(
            "unit/aws/test_volumes.py::test_a_volume_that_an_answer_leaves_out_without_a_word_is_not_known",
            "unit/aws/test_volumes.py::test_a_known_snapshot_that_no_list_shows_is_asked_for_by_its_id",
            "unit/controllers/volume/test_lasting_faults.py::test_an_hour_of_it_changes_nothing_and_ends_by_itself",
        ),
    ),
    Assumption(
        id="in-use-lists-attachments",
        belief="A volume whose state is in-use has at least one entry in Attachments.",
        source="DOC: EC2 API reference, Volume; INF: that both change together",
        if_false="The operator takes what the answer says of that volume for incomplete and does nothing about its "
        "claim until EC2 lists the attachment. Claims of other volumes are served.",
        tests=(_UNKNOWN,),
    ),
    Assumption(
        id="gp3-has-iops-and-throughput",
        belief="DescribeVolumes has Iops and Throughput for each gp3 volume, and Iops for gp2.",
        source="DOC: EC2 API reference, Volume",
        if_false="As above: an answer without them is unreadable, so that nothing is modified on a guess.",
        tests=(_UNKNOWN,),
    ),
    Assumption(
        id="io-has-iops-and-multi-attach",
        belief="DescribeVolumes has Iops and MultiAttachEnabled for each io1 and io2 volume.",
        source="DOC: EC2 API reference, Volume",
        if_false="As above: an answer without them is unreadable, so that no shared volume is taken for a single one.",
        tests=(_UNKNOWN,),
    ),
    Assumption(
        id="ec2-tags-have-no-compare-and-set",
        belief="EC2's tags have no condition on their former value: the last writer wins, and all see that after a "
        "moment.",
        source="MODEL: CreateTags has no condition",
        if_false="Two EKS clusters could both keep a volume for longer than two seconds; the second attach is refused "
        "by EC2.",
        tests=(
            "unit/controllers/volume/test_conflicts.py::test_of_two_clusters_on_one_volume_one_gets_it",
            "unit/core/volume/test_ownership.py::test_a_claim_whose_tag_was_overwritten_steps_back",
        ),
    ),
    Assumption(
        id="volumes-only-grow",
        belief="ModifyVolume never makes a volume smaller.",
        source="DOC: EBS User Guide, Requirements for volume modifications",
        if_false="The operator refuses an edit that AWS would accept.",
        tests=("unit/controllers/volume/test_changes.py::test_a_smaller_size_is_told_and_never_sent",),
    ),
    Assumption(
        id="modification-budget",
        belief="EBS takes one modification at a time and four in 24 hours, and counts those that change nothing. Some "
        "Regions may still take one in six hours.",
        source="DOC: EBS User Guide, Modify an EBS volume; INF: the Regions with six hours",
        if_false="With a smaller budget EC2 refuses the call, and the operator asks again every half an hour.",
        tests=(
            "unit/controllers/volume/test_changes.py::test_a_rate_limit_by_ec2s_word_is_asked_again_seldom",
            _EITHER,
        ),
        switches=("modification_limit",),
    ),
    Assumption(
        id="never-modified-is-left-out",
        belief="DescribeVolumesModifications by filter leaves out a volume that was never modified; by id it fails "
        "with InvalidVolumeModification.NotFound, or answers with an empty list.",
        source="DOC: EC2 API reference, error codes; INF: the filter",
        if_false="If the filter also fails, the error is classified as not found, and the volume's pass reports it.",
        tests=(_EITHER,),
        switches=("never_modified",),
    ),
    Assumption(
        id="snapshot-has-no-token",
        belief="CreateSnapshot has no client token.",
        source="MODEL: CreateSnapshotRequest",
        if_false="The operator looks for a snapshot by its tags before it makes one, which a token would make "
        "unnecessary.",
        tests=(
            "unit/controllers/volume/test_replacement.py::test_a_lost_answer_makes_no_second_snapshot",
            "unit/core/volume/test_teardown.py::test_a_snapshot_that_ec2_does_not_show_yet_is_not_made_twice",
        ),
    ),
    Assumption(
        id="completed-snapshot-is-whole",
        belief="A snapshot in state completed has all that was on the volume when it was begun; one in state error has "
        "not.",
        source="DOC: EBS User Guide, Create Amazon EBS snapshots",
        if_false="A volume could be deleted with data that its last snapshot lacks.",
        tests=(
            "unit/controllers/volume/test_endings.py::test_a_snapshot_that_fails_keeps_the_volume_for_ever",
            "unit/core/volume/test_teardown.py::test_a_failed_snapshot_keeps_the_volume",
        ),
    ),
    Assumption(
        id="limits-of-ec2-reads",
        belief="One DescribeVolumes takes 500 ids, or 200 values of filters.",
        source="DOC: EC2 API reference, DescribeVolumes; EC2 User Guide, Filter resources",
        if_false="With lower limits reads of many claims fail with an error, and their conditions say so.",
        tests=(
            "unit/aws/test_volume_reads.py::test_more_ids_than_a_call_takes_are_several_calls",
            "unit/aws/test_volume_tags.py::test_many_are_asked_in_calls_of_what_a_filter_takes",
        ),
    ),
)
