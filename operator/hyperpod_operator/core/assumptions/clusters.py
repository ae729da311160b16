"""What is believed about CreateCluster and DeleteCluster."""

from hyperpod_operator.core.assumptions.model import Assumption

_EITHER = "unit/controllers/test_either_answer.py::test_the_life_of_a_cluster_ends_the_same"

CLUSTERS = (
    Assumption(
        id="cluster-name-is-unique",
        belief="A cluster's name is unique in its account and Region: a second CreateCluster with the name is refused "
        "with ResourceInUse.",
        source="LIVE: alchemy, Cluster.ts; MODEL: ResourceInUse",
        if_false="A lost answer to CreateCluster, together with a cluster that stays invisible for longer than five "
        "minutes, leads to a second cluster.",
        tests=(
            "unit/controllers/test_trouble.py::test_a_name_that_is_taken_by_an_invisible_cluster_is_not_asked_for_again",
            "unit/controllers/test_trouble.py::test_a_create_that_was_carried_out_without_an_answer_is_not_repeated",
        ),
    ),
    Assumption(
        id="create-has-no-token",
        belief="CreateCluster, UpdateCluster and DeleteCluster have no client token.",
        source="MODEL: members of the three requests",
        if_false="The operator writes its intent before CreateCluster, which a token would make unnecessary.",
        tests=("unit/controllers/test_crash_points.py::test_a_kill_at_any_io_changes_nothing_about_the_end",),
    ),
    Assumption(
        id="created-is-visible-in-time",
        belief="DescribeCluster shows a cluster within five minutes after CreateCluster.",
        source="INF: lags of SageMaker are of minutes; unmeasured",
        if_false="After five minutes the operator sends CreateCluster again, and AWS refuses the name.",
        tests=(
            "unit/core/test_absent.py::test_after_five_minutes_it_is_believed_not_to_have_happened",
            "unit/controllers/test_trouble.py::test_a_name_that_is_taken_by_an_invisible_cluster_is_not_asked_for_again",
        ),
        switches=("create_lag",),
    ),
    Assumption(
        id="one-cluster-for-one-eks",
        belief="An EKS cluster takes one HyperPod cluster, and is free again only when the former one is gone. Until "
        'then CreateCluster answers ValidationException with "external resource id … already in use".',
        source="LIVE: 2026-07-09; DOC: SageMaker developer guide, sagemaker-hyperpod-eks",
        if_false="Nothing if AWS allows several. With another text the refusal counts as one of the spec, and is tried "
        "again after minutes, then hours.",
        tests=(
            "unit/controllers/test_eks_in_use.py::test_without_any_cluster_listed_it_is_waited_for_an_hour",
            "unit/controllers/test_eks_in_use.py::test_a_cluster_that_is_going_is_waited_for_by_name",
            _EITHER,
        ),
        switches=("clusters_per_eks",),
    ),
    Assumption(
        id="creating-cannot-be-deleted",
        belief="DeleteCluster is refused on a cluster that is Creating, unless its provisioning mode is Continuous.",
        source="LIVE: ConflictException",
        if_false="If AWS accepts it, the operator waits longer than needed before it deletes. If AWS refuses it also "
        "for Continuous, the operator tries again.",
        tests=("unit/core/test_teardown.py::test_a_creating_cluster_is_waited_for", _EITHER),
        switches=("delete_when_creating",),
    ),
    Assumption(
        id="failed-creation-ran-nothing",
        belief="A cluster that is Failed before it was ever InService stays Failed. Where CurrentCount is 0 and no "
        "node is Running, nothing of it ever ran.",
        source="DOC: SageMaker API reference, ClusterStatus; INF: it does not recover",
        if_false="With management.onCreateFailure Recreate the operator deletes a cluster of its own that would have "
        "become usable, and creates it again. No node of it has run pods.",
        tests=(
            "unit/core/test_invariants.py::test_a_living_object_deletes_only_a_failed_creation_of_its_own",
            "unit/core/test_living.py::test_nothing_is_cleared_away_without_proof",
        ),
    ),
    Assumption(
        id="teardown-needs-the-role",
        belief="Nodes whose network interfaces cannot be removed, because the execution role is gone or lacks "
        'ec2:DeleteNetworkInterface, stay Deleting, with "does not have permission to perform" in their message.',
        source="LIVE: clusters that stayed Deleting",
        if_false="With other words the operator waits and does not name the role to restore.",
        tests=("unit/controllers/test_trouble.py::test_a_missing_role_is_named_and_its_return_ends_the_wait",),
    ),
    Assumption(
        id="tags-stay-on-clusters",
        belief="Tags of CreateCluster are on the cluster from the start, and AWS itself never removes one.",
        source="DOC: SageMaker API reference, CreateCluster and AddTags",
        if_false="The operator treats a cluster without its tags as not proved its own: it changes and deletes "
        "nothing, keeps the object, and says so.",
        tests=(
            "unit/controllers/test_refusals.py::test_tags_that_are_missing_once_release_nothing",
            "unit/controllers/test_trouble.py::test_a_cluster_whose_owner_tags_were_taken_off_is_not_changed",
        ),
    ),
)
