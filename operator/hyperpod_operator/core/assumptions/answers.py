"""What is believed about AWS's answers in general: lag, absence, errors, rates."""

from hyperpod_operator.core.assumptions.model import Assumption

_EITHER = "unit/controllers/test_either_answer.py::test_the_life_of_a_cluster_ends_the_same"
_EVERY = "unit/controllers/test_every_answer.py::test_the_life_of_a_cluster_ends_the_same_under_every_answer"

ANSWERS = (
    Assumption(
        id="reads-lag",
        belief="A read of SageMaker may show the state from before an accepted call, for minutes.",
        source="LIVE: the views of SageMaker and Kubernetes differ by 1 to 5 minutes; INF: no limit is documented",
        if_false="Without any lag the operator waits longer than needed. With a longer lag it may send a call again; "
        "a second CreateCluster is refused because the name is taken.",
        tests=(
            "unit/controllers/test_trouble.py::test_a_describe_that_shows_the_past_causes_no_second_update",
            _EITHER,
        ),
        switches=("describe_lag", "list_lag", "read_lag"),
    ),
    Assumption(
        id="tags-show-late",
        belief="ListTags shows tags that AddTags set, or DeleteTags removed, within ten minutes.",
        source="INF: how long ListTags lags is not documented; EC2's reads lag for minutes at worst",
        if_false="With a longer lag the operator sends the same tags again every ten minutes, which changes nothing. "
        "Ownership is never judged by tags that were sent.",
        tests=(
            "unit/controllers/test_lagging_tags.py::test_tags_are_sent_once",
            "unit/controllers/test_lagging_tags.py::test_an_edit_back_is_sent_though_aws_still_shows_the_former_tag",
        ),
        switches=("read_lag",),
    ),
    Assumption(
        id="ec2-reads-lag",
        belief="EC2 is eventually consistent in every read, for minutes at worst: volumes, snapshots, tags and "
        "modifications.",
        source="DOC: EC2 API reference, Eventual consistency",
        if_false="With a longer lag the operator may ask for a second attachment, snapshot or modification. A second "
        "volume is impossible because the client token is the same.",
        tests=(
            "unit/controllers/volume/test_long_lag.py::test_a_life_ends_the_same_however_late_a_read_is",
            "unit/controllers/volume/test_either_answer.py::test_the_life_of_a_volume_ends_the_same",
        ),
        switches=("volume_lag", "attachment_lag", "read_lag"),
    ),
    Assumption(
        id="new-may-be-not-found",
        belief="A call about something that was just made may answer that it does not exist.",
        source="DOC: EC2 API reference, Eventual consistency",
        if_false="The operator waits for a time before it believes that a new volume does not exist; nothing else.",
        tests=(
            "unit/controllers/volume/test_either_answer.py::test_the_life_of_a_volume_ends_the_same",
            "unit/core/volume/test_identity.py::test_a_volume_that_was_never_seen_is_asked_for_again_by_the_same_token",
        ),
        switches=("new_volume_lag",),
    ),
    Assumption(
        id="absence-once-is-no-proof",
        belief="One answer without something that AWS showed before can be wrong; two answers some seconds apart are "
        "not.",
        source="INF: reads lag, and a proxy or another endpoint can answer in AWS's place",
        if_false="If two answers can be wrong, the operator calls CreateCluster for a cluster that exists, and AWS "
        "refuses the name. A volume that was in use is never made again. Members of a group that an update repeats "
        "from the answer count as gone after ten minutes; an image, or a group whose nodes are listed, never does.",
        tests=(
            "unit/controllers/test_trouble.py::test_one_wrong_answer_is_not_believed",
            "unit/controllers/test_wrong_answers.py::test_a_wrong_answer_leads_to_nothing_and_is_forgotten",
            "unit/controllers/volume/test_wrong_answers.py::test_a_wrong_answer_leads_to_nothing_and_is_forgotten",
            "unit/core/volume/test_identity.py::test_an_invisible_volume_is_waited_for_and_a_used_one_is_lost",
        ),
    ),
    Assumption(
        id="not-found-means-absent",
        belief="SageMaker answers ResourceNotFound only where this account has no such cluster in this Region, and "
        "another code where the caller lacks a permission.",
        source="MODEL: ResourceNotFound; SRC: alchemy also handles ResourceNotFoundException",
        if_false="A missing permission looks like a deleted cluster: the operator tries to create it again, and "
        "releases an object whose cluster still runs.",
        tests=("unit/controllers/test_trouble.py::test_denied_is_never_read_as_absent", _EITHER),
        switches=("not_found_code",),
    ),
    Assumption(
        id="no-answer-leaves-outcome-open",
        belief="AWS may have carried out a call that got no answer or an answer that cannot be understood.",
        source="INF: a connection can break at any time",
        if_false="The operator looks before it sends the call again, which costs a pause of minutes and no more.",
        tests=(
            "unit/aws/test_classify.py::test_no_answer_leaves_the_outcome_of_a_change_open",
            "unit/controllers/test_trouble.py::test_a_create_that_never_arrived_is_repeated_after_the_grace",
        ),
    ),
    Assumption(
        id="validation-may-be-state",
        belief="ValidationException is not always about the request. It is also SageMaker's answer to a state (checks "
        "that run, a group that changes) and to another service's refusal (a role that cannot be assumed).",
        source="LIVE: an EKS cluster in use, a role that cannot be assumed; DOC: deep health checks in progress",
        if_false="If it were always about the request, trying again would be useless; it costs a few calls a day.",
        tests=(
            "unit/controllers/test_refusals.py::test_a_cause_outside_that_is_gone_ends_the_refusal_by_itself",
            "unit/aws/test_classify.py::test_a_validation_error_is_told_apart_by_its_words",
            _EVERY,
        ),
        switches=("busy_code", "deep_check_update_error"),
    ),
    Assumption(
        id="codes-beyond-the-model",
        belief="AWS answers with error codes that the API model does not declare for the operation.",
        source="LIVE: ValidationException, AccessDeniedException and throttling codes of HyperPod operations",
        if_false="Rows of the table of codes are never used. An unknown code is judged by its HTTP status.",
        tests=("unit/aws/test_classify.py::test_an_unknown_code_goes_by_its_status",),
    ),
    Assumption(
        id="throttled-per-account",
        belief="AWS throttles by account and Region, publishes no rates for HyperPod's operations, and about 10 "
        "describe calls a second pass.",
        source="LIVE: 10 describe calls a second; DOC: EC2 API reference, Request throttling",
        if_false="At a lower rate AWS throttles calls and the operator halves its rate; at a higher rate it is slower "
        "than necessary.",
        tests=("unit/aws/test_limiter.py::test_a_throttled_answer_halves_the_rate_and_it_recovers", _EITHER),
        switches=("throttling_code",),
    ),
    Assumption(
        id="lists-have-no-order",
        belief="Groups, tags and other lists come back in any order, except InstanceRequirements.InstanceTypes.",
        source="DOC: CloudFormation schema AWS::SageMaker::Cluster, insertionOrder false; MODEL: InstanceTypes is in "
        "order of priority",
        if_false="If another order has a meaning, the operator does not see a change of that order.",
        tests=("unit/core/test_diff.py::test_the_order_of_groups_and_sets_is_no_drift", _EITHER),
        switches=("shuffle_lists",),
    ),
    Assumption(
        id="unset-members-are-filled",
        belief="AWS fills in members that the request leaves out, and DescribeCluster shows them, also later than the "
        "cluster.",
        source="LIVE: ThreadsPerCore, MinCount, InstanceStorageConfigs: [], TieredStorageConfig only in later answers",
        if_false="Nothing: a member that the spec does not set is not compared.",
        tests=("unit/core/test_diff.py::test_members_that_only_aws_sets_are_no_drift", _EVERY),
        switches=("fill_defaults", "node_recovery_default"),
    ),
    Assumption(
        id="disabled-has-no-settings",
        belief="Of autoscaling or tiered storage that is disabled, the other members change nothing, and "
        "DescribeCluster may leave them out, or the whole member.",
        source="INF: a switch that is off; the API reference does not say what is described",
        if_false="A setting of a disabled feature is sent with the next update of something else, and not by itself.",
        tests=("unit/core/test_lost_and_garbled.py::test_settings_of_what_is_switched_off_are_no_drift",),
    ),
    Assumption(
        id="required-members-present",
        belief="A complete answer has every member that the API model requires, and those that decisions rest on.",
        source="MODEL: required members; INF: CurrentCount and TargetCount of each group",
        if_false="The operator refuses the whole answer as unreadable and changes nothing until AWS sends the member; "
        "after three failed reads Ready is Unknown.",
        tests=("unit/aws/test_answers_by_model.py::test_each_member_that_a_decision_rests_on_has_to_be_there",),
    ),
    Assumption(
        id="enums-grow",
        belief="AWS adds statuses and other words to enumerations without notice.",
        source="MODEL: DetachInProgress and AttachInProgress came with botocore 1.44.8",
        if_false="Nothing: a word that is not known is data, never an error.",
        tests=("unit/aws/test_translate.py::test_words_that_aws_invents_later_pass_through",),
    ),
)
