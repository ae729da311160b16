"""Why a pod does not run: what decides, who acts, and what to type."""

from copy import deepcopy
from typing import Any

import pytest
from tests.unit.core.explain import worlds
from tests.unit.core.explain.test_nodes import HEALTH, NAME, TAINT, around, node, operation
from tests.unit.core.explain.worlds import condition

from hyperpod_operator.api.reasons import Actor
from hyperpod_operator.core.drain.marks import Owner
from hyperpod_operator.core.explain.explanation import Explanation, Level
from hyperpod_operator.core.explain.node_facts import node_facts
from hyperpod_operator.core.explain.pod import Pod, explain_pod
from hyperpod_operator.core.explain.selects import OPERATORS, selects
from hyperpod_operator.core.explain.world import Found, Subject

SUBJECT = Subject(kind="Pod", plural="pods", short="pod", namespace="team", name="trainer-0")
WORDS = "0/4 nodes are available: 4 Insufficient nvidia.com/gpu."
GROUP = "sagemaker.amazonaws.com/instance-group-name"


def pod(*conditions: dict[str, Any], phase: str = "Pending", **spec: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "trainer-0", "namespace": "team", "uid": "p1"},
        "spec": spec,
        "status": {"phase": phase, "conditions": [*conditions]},
    }


def unscheduled(**spec: Any) -> dict[str, Any]:
    return pod(condition("PodScheduled", "False", "Unschedulable", WORDS), **spec)


def explained(
    resource: dict[str, Any], *, on: dict[str, Any] | None = None, nodes: tuple[Any, ...] = (), **members: Any
) -> Explanation:
    return explain_pod(
        Pod(subject=SUBJECT, found=Found.FOUND, pod=resource, node=on, nodes=nodes, around=around(**members))
    )


def claim(*conditions: dict[str, Any], **status: Any) -> dict[str, Any]:
    return worlds.claim(*(conditions or (condition("Ready", "False", "Attaching"),)), **status)


USES: dict[str, Any] = {"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "cache"}}]}


def test_a_pod_that_runs_asks_nothing() -> None:
    found = explained(pod(condition("Ready", "True", ""), phase="Running", nodeName=NAME), on=node())
    assert (found.ready, found.reason, found.step.actor) == ("True", "PodRuns", Actor.NOBODY)


@pytest.mark.parametrize(("phase", "actor"), [("Succeeded", Actor.NOBODY), ("Failed", Actor.YOU)])
def test_a_pod_that_has_ended_does_not_start_again(phase: str, actor: Actor) -> None:
    found = explained(pod(phase=phase))
    assert (found.reason, found.step.actor) == ("PodEnded", actor)


def test_the_words_of_the_kubelet_about_an_eviction_are_in_the_chain() -> None:
    evicted = pod(phase="Failed")
    evicted["status"] |= {"reason": "Evicted", "message": "The node was low on memory."}
    assert ("Evicted", "The node was low on memory.") in [(one.reason, one.says) for one in explained(evicted).chain]


def test_a_pod_that_an_operation_waits_for_leads_to_the_operation() -> None:
    blocked = operation(condition("Ready", "False", "EvictionBlocked"), waitingFor=["team/trainer-0"])
    running = pod(condition("Ready", "True", ""), phase="Running", nodeName=NAME)
    found = explained(running, on=node(), operations=[blocked])
    assert (found.reason, found.step.actor) == ("EvictionBlocked", Actor.YOU)
    assert found.step.commands[-1] == "kubectl hyperpod explain hpno/reboot-x -n team"


def test_a_pod_that_is_being_evicted_says_by_whom_and_shows_its_node() -> None:
    leaving = pod(
        condition("DisruptionTarget", "True", "EvictionByEvictionAPI", "Eviction API: evicting"), nodeName=NAME
    )
    leaving["metadata"]["deletionTimestamp"] = worlds.SINCE
    holder = str(Owner(kind="HyperPodNodeOperation", namespace="team", name="reboot-x", uid="u3"))
    found = explained(leaving, on=node(holder=holder, taints=[TAINT]), operations=[operation()])
    assert found.reason == "PodDeleted"
    assert "EvictionByEvictionAPI" in [link.reason for link in found.chain]
    assert Level.OPERATION in [link.level for link in found.chain]


def test_a_pod_on_an_unhealthy_node_has_the_answer_of_the_node() -> None:
    sick = node(labels={HEALTH: "UnschedulablePendingReplacement"})
    found = explained(pod(condition("Ready", "False", "ContainersNotReady"), nodeName=NAME), on=sick)
    assert (found.reason, found.step.actor) == ("UnschedulablePendingReplacement", Actor.AWS)


def test_a_pod_of_a_node_that_is_gone_says_so() -> None:
    assert explained(pod(nodeName=NAME)).reason == "NodeGone"


def test_a_volume_that_is_not_attached_leads_to_its_claim() -> None:
    found = explained(pod(nodeName=NAME, **USES), on=node(), claims=[claim()])
    assert (found.reason, found.step.actor) == ("Attaching", Actor.AWS)
    assert "team/cache Ready=False" in [link.about for link in found.chain if link.level is Level.CLAIM]


def test_a_pod_without_a_node_waits_for_its_claim_first() -> None:
    assert explained(unscheduled(**USES), nodes=(node(),), claims=[claim()]).reason == "Attaching"


def test_a_claim_whose_volume_is_yet_to_be_made_is_the_cause_before_its_persistent_volume_claim_is_there() -> None:
    words = 'persistentvolumeclaim "cache" not found'
    waits = pod(condition("PodScheduled", "False", "Unschedulable", words), **USES)
    coming = claim(condition("Ready", "False", "CreatingVolume"), persistentVolumeClaimName=None)
    coming["spec"]["publish"] = {"type": "LocalPV", "persistentVolumeClaim": {"name": "cache", "create": True}}
    assert explained(waits, nodes=(node(),), claims=[coming]).reason == "CreatingVolume"


def usable(published: str = "True", *attached: str) -> dict[str, Any]:
    """A claim whose volume is smaller than its spec asks for, as pods see it."""
    return claim(
        condition("Ready", "False", "RateLimited"),
        condition("Published", published, "Published"),
        *(condition("Attached", one, "Attached") for one in attached),
    )


@pytest.mark.parametrize("other", [usable("False", "True"), usable("True", "False"), usable("False")])
def test_a_claim_that_pods_cannot_use_is_the_cause_whatever_else_it_waits_for(other: dict[str, Any]) -> None:
    assert explained(unscheduled(**USES), nodes=(node(),), claims=[other]).reason == "RateLimited"


@pytest.mark.parametrize(
    "other",
    [
        claim(persistentVolumeClaimName="other"),
        claim(condition("Ready", "True", "ClaimReady")),
        usable("True", "True"),
        usable("True"),
    ],
)
def test_a_claim_that_is_ready_usable_or_of_others_explains_nothing(other: dict[str, Any]) -> None:
    assert explained(unscheduled(**USES), nodes=(node(),), claims=[other]).reason == "NoRoom"


def test_a_claim_of_another_namespace_explains_nothing() -> None:
    other = claim()
    other["metadata"]["namespace"] = "prod"
    assert explained(unscheduled(**USES), nodes=(node(),), claims=[other]).reason == "NoRoom"


def test_containers_that_wait_on_a_good_node_are_yours() -> None:
    waits = pod(condition("Ready", "False", "ContainersNotReady"), nodeName=NAME)
    state = {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image"}}
    waits["status"]["containerStatuses"] = [{"name": "main", "state": state}]
    found = explained(waits, on=node())
    assert (found.reason, found.step.actor) == ("ContainersNotReady", Actor.YOU)
    assert ("container main", "ImagePullBackOff") in [(link.about, link.reason) for link in found.chain]


def test_a_gate_of_kueue_shows_where_its_quota_is() -> None:
    found = explained(pod(schedulingGates=[{"name": "kueue.x-k8s.io/admission"}]))
    assert (found.reason, found.step.actor) == ("SchedulingGated", Actor.NOBODY)
    assert found.step.commands[0] == "kubectl get workloads.kueue.x-k8s.io -n team"


def test_a_pod_that_the_scheduler_has_not_seen_asks_nothing() -> None:
    assert explained(pod()).reason == "NotScheduledYet"


def test_a_group_that_lacks_nodes_leads_to_its_cluster() -> None:
    group = {"instanceGroupName": "gpu", "currentCount": 1, "targetCount": 4, "message": "No capacity."}
    short = worlds.unready("CapacityShortage", instanceGroups=[group])
    found = explained(unscheduled(nodeSelector={GROUP: "gpu"}), nodes=(node(),), clusters=[short])
    assert (found.reason, found.step.actor) == ("CapacityShortage", Actor.AWS)
    assert [link.says for link in found.chain if link.level is Level.CONDITION] == [WORDS]


@pytest.mark.parametrize("kind", ["ml.p5.48xlarge", "p5.48xlarge"])
def test_a_type_without_nodes_leads_to_the_cluster_that_is_to_have_them(kind: str) -> None:
    group = {"instanceGroupName": "gpu", "instanceType": "ml.p5.48xlarge", "currentCount": 0, "targetCount": 4}
    short = worlds.unready("CapacityShortage", instanceGroups=[group])
    label = "hyperpod-operator.dev/instance-type"
    assert explained(unscheduled(nodeSelector={label: kind}), clusters=[short]).reason == "CapacityShortage"


def test_a_group_that_lacks_nodes_of_another_type_explains_nothing() -> None:
    group = {"instanceGroupName": "gpu", "instanceType": "ml.p5.48xlarge", "currentCount": 0, "targetCount": 4}
    short = worlds.unready("CapacityShortage", instanceGroups=[group])
    found = explained(unscheduled(nodeSelector={"node.kubernetes.io/instance-type": "ml.g5.xlarge"}), clusters=[short])
    assert found.reason == "NoNodeFits"


def test_a_selector_that_nothing_fits_is_named() -> None:
    found = explained(unscheduled(nodeSelector={"team": "blue"}), nodes=(node(),))
    assert (found.reason, found.step.actor) == ("NoNodeFits", Actor.YOU)
    assert "(team=blue)" in found.step.what


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ('0/2 nodes are available: persistentvolumeclaim "cache" not found. not found', "VolumeMissing"),
        ("0/2 nodes are available: pod has unbound immediate PersistentVolumeClaims.", "VolumeMissing"),
        ("0/2 nodes are available: 2 node(s) had volume node affinity conflict.", "VolumeKeepsOff"),
        ("0/2 nodes are available: 2 node(s) exceed max volume count.", "VolumeKeepsOff"),
    ],
)
def test_a_volume_that_keeps_the_pod_off_is_no_lack_of_room(words: str, reason: str) -> None:
    waits = pod(condition("PodScheduled", "False", "Unschedulable", words), **USES)
    found = explained(waits, nodes=(node(),))
    assert (found.reason, found.step.actor) == (reason, Actor.YOU)
    assert "instanceCount" not in found.step.what
    assert found.step.commands[0] == "kubectl get pvc,evc -n team"


def test_nodes_without_room_name_their_group() -> None:
    found = explained(unscheduled(), nodes=(node(),))
    assert (found.reason, found.step.actor) == ("NoRoom", Actor.YOU)
    assert "1 node of group gpu" in found.step.what
    assert WORDS in [link.says for link in found.chain]


def test_a_drained_node_leads_to_the_operation_where_no_other_fits() -> None:
    holder = str(Owner(kind="HyperPodNodeOperation", namespace="team", name="reboot-x", uid="u3"))
    drained = node(holder=holder, taints=[TAINT])
    assert explained(unscheduled(), nodes=(drained,), operations=[operation()]).reason == "Draining"


def test_of_several_nodes_that_take_no_pods_the_one_that_needs_you_decides() -> None:
    sick = node(labels={HEALTH: "UnschedulablePendingReplacement"}, taints=[{"key": HEALTH, "effect": "NoSchedule"}])
    cordon = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}
    cordoned = node(name="hyperpod-i-0fffffffffffffff0", unschedulable=True, taints=[cordon])
    found = explained(unscheduled(), nodes=(sick, cordoned))
    assert (found.reason, found.step.actor) == ("Cordoned", Actor.YOU)
    assert NAME in " ".join(link.about for link in found.chain)


@pytest.mark.parametrize(
    "toleration",
    [
        {"operator": "Exists"},
        {"operator": "Exists", "key": "team"},
        {"key": "team", "operator": "Equal", "value": "blue"},
        {"key": "team", "value": "blue", "effect": "NoSchedule"},
    ],
)
def test_a_taint_that_the_pod_tolerates_keeps_it_off_nothing(toleration: dict[str, str]) -> None:
    tainted = node(taints=[{"key": "team", "value": "blue", "effect": "NoSchedule"}])
    assert explained(unscheduled(tolerations=[toleration]), nodes=(tainted,)).reason == "NoRoom"


@pytest.mark.parametrize(
    "toleration",
    [
        {"key": "team", "value": "red"},
        {"operator": "Exists", "key": "x"},
        {"operator": "Exists", "effect": "NoExecute"},
    ],
)
def test_a_toleration_of_another_taint_helps_nothing(toleration: dict[str, str]) -> None:
    tainted = node(taints=[{"key": "team", "value": "blue", "effect": "NoSchedule"}])
    found = explained(unscheduled(tolerations=[toleration]), nodes=(tainted,))
    assert (found.reason, found.step.actor) == ("Tainted", Actor.YOU)


def affinity(*expressions: dict[str, Any], fields: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    term = {"matchExpressions": [*expressions], "matchFields": [*fields]}
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
    return {"spec": {"affinity": {"nodeAffinity": required}}}


@pytest.mark.parametrize(
    "asked",
    [
        {"nodeSelector": {"node.kubernetes.io/instance-type": "p5.48xlarge"}},
        affinity({"key": "node.kubernetes.io/instance-type", "operator": "In", "values": ["p5.48xlarge"]})["spec"],
    ],
)
def test_a_type_without_the_prefix_says_which_one_to_ask_for(asked: dict[str, Any]) -> None:
    found = explained(unscheduled(**asked), nodes=(node(),))
    assert found.reason == "NoNodeFits"
    assert "ask for ml.p5.48xlarge; or use the label hyperpod-operator.dev/instance-type=p5.48xlarge" in found.step.what


def test_a_list_that_has_both_names_of_a_type_needs_no_prefix() -> None:
    both = {"key": "node.kubernetes.io/instance-type", "operator": "In", "values": ["p4d.24xlarge", "ml.p4d.24xlarge"]}
    found = explained(unscheduled(**affinity(both)["spec"]), nodes=(node(),))
    assert found.reason == "NoNodeFits"
    assert "ask for" not in found.step.what


@pytest.mark.parametrize(
    ("operator", "values", "value", "fits"),
    [
        ("In", ["a", "b"], "a", True),
        ("In", ["a"], "c", False),
        ("In", ["a"], None, False),
        ("NotIn", ["a"], "a", False),
        ("NotIn", ["a"], None, True),
        ("Exists", [], "a", True),
        ("Exists", [], None, False),
        ("DoesNotExist", [], None, True),
        ("DoesNotExist", [], "a", False),
        ("Gt", ["3"], "4", True),
        ("Gt", ["3"], "3", False),
        ("Gt", ["x"], "4", False),
        ("Lt", ["3"], "2", True),
        ("Lt", ["3"], None, False),
        ("Lt", [], "2", False),
        ("FromTheFuture", [], "2", False),
    ],
)
def test_an_expression_of_affinity_fits_as_kubernetes_has_it(
    operator: str, values: list[str], value: str | None, fits: bool
) -> None:
    facts = node_facts(node(labels={"k": value} if value is not None else {}))
    assert selects(affinity({"key": "k", "operator": operator, "values": values}), facts) is fits


def test_each_operator_is_tested() -> None:
    assert OPERATORS.keys() == {"In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"}


def test_a_term_without_expressions_fits_nothing() -> None:
    assert not selects(affinity(), node_facts(node()))


def test_a_node_is_chosen_by_its_name() -> None:
    field = {"key": "metadata.name", "operator": "In", "values": [NAME]}
    assert selects(affinity(fields=(field,)), node_facts(node()))
    assert not selects(affinity(fields=(field,)), node_facts(node(name="hyperpod-i-0fffffffffffffff0")))


def test_a_missing_pod_shows_the_events_that_are_left() -> None:
    events = [
        {"type": "Warning", "reason": "TaintManagerEviction", "note": "Evicted.", "eventTime": "2026-11-28T11:59:00Z"}
    ]
    found = explain_pod(Pod(subject=SUBJECT, found=Found.MISSING, around=around(events=events)))
    assert (found.reason, found.step.actor) == ("NotFound", Actor.YOU)
    assert [link.reason for link in found.chain] == ["TaintManagerEviction"]


def test_a_pod_that_may_not_be_read_names_the_right() -> None:
    found = explain_pod(Pod(subject=SUBJECT, found=Found.FORBIDDEN, around=around()))
    assert found.step.commands == ("kubectl auth can-i get pods -n team",)


def test_events_that_say_what_the_chain_says_are_left_out() -> None:
    events = [{"type": "Warning", "reason": "FailedScheduling", "note": WORDS, "eventTime": "2026-11-28T11:59:00Z"}]
    found = explained(unscheduled(), nodes=(node(),), events=events)
    assert Level.EVENT not in [link.level for link in found.chain]


def test_a_thousand_nodes_are_counted_and_three_are_named() -> None:
    nodes = tuple(node(name=f"hyperpod-i-{n:017x}", unschedulable=True, taints=[TAINT]) for n in range(1000))
    found = explained(unscheduled(), nodes=nodes)
    assert len([link for link in found.chain if link.level is Level.NODE]) == 3
    assert found.left_out == 997


def test_the_order_of_nodes_changes_nothing() -> None:
    nodes = tuple(node(name=f"hyperpod-i-{n:017x}", unschedulable=True, taints=[TAINT]) for n in range(5))
    assert explained(unscheduled(), nodes=nodes) == explained(unscheduled(), nodes=nodes[::-1])


@pytest.mark.parametrize("odd", [None, 7, "x", [], {}, [None], [{"key": 3}]])
@pytest.mark.parametrize("member", ["metadata", "spec", "status"])
def test_odd_members_are_passed_over(member: str, odd: object) -> None:
    resource = deepcopy({**unscheduled(), member: odd})
    assert explained(resource, nodes=({**node(), member: odd},)).step.what
