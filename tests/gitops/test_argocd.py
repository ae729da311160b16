"""Argo CD and kstatus say the same about every state that the operator can report."""

import copy
from typing import Any

import pytest
import yaml
from tests.gitops import kstatus
from tests.gitops.sandbox import run
from tests.unit.core.test_policy import DELETED_TABLE, LIVING_TABLE
from tests.unit.core.volume.builders import FIRST, attached_status, attachment, claim, failure, situation, spec, volume

from hyperpod_operator.core.cluster.policy import decide as decide_cluster
from hyperpod_operator.core.cluster.report import intent as cluster_intent
from hyperpod_operator.core.cluster.report import report as cluster_report
from hyperpod_operator.core.cluster.story import Story as ClusterStory
from hyperpod_operator.core.cluster.verdict import Act as ClusterAct
from hyperpod_operator.core.cluster.verdict import NeedTags
from hyperpod_operator.core.errors import ErrorKind
from hyperpod_operator.core.volume.policy import decide as decide_claim
from hyperpod_operator.core.volume.report import report as claim_report
from hyperpod_operator.core.volume.story import Story as ClaimStory
from hyperpod_testbed.gitops.argocd import CONFIG_MAP, CUSTOMIZATIONS, config_map

KINDS = ("HyperPodCluster", "EBSVolumeClaim")
SAME = {kstatus.CURRENT: "Healthy", kstatus.FAILED: "Degraded", kstatus.IN_PROGRESS: "Progressing"}
GENERATION = 1


def stored(status: Any, *, spec: dict[str, Any] | None = None, generation: int = GENERATION) -> dict[str, Any]:
    dumped = status.model_dump(mode="json", exclude_none=True) if status is not None else {}
    metadata = {"name": "research", "namespace": "team", "generation": generation}
    return {"metadata": metadata, "spec": spec or {}, **({"status": dumped} if dumped else {})}


def cluster_states() -> list[Any]:
    """What the operator reports for each row of the tables of its policies."""
    states = []
    for name, given, answer in [*LIVING_TABLE, *DELETED_TABLE]:
        verdict = decide_cluster(given)
        if isinstance(verdict, NeedTags):
            continue
        if isinstance(verdict, ClusterAct):
            status = cluster_intent(ClusterStory(situation=given, verdict=verdict), verdict)
        else:
            status = cluster_report(ClusterStory(situation=given, verdict=verdict)).status
        if not status.conditions:
            continue  # the record before a call; the status that was there has conditions
        generation = given.resource.generation
        states.append(pytest.param(stored(status, generation=generation), id=f"{name}: {answer}"))
    return states


def claim_states() -> list[Any]:
    """Claims that are settled, held, stalled, paused, and one that could not be looked at."""
    owner = claim(status=attached_status())
    on_node = volume(attachment(FIRST))
    given = {
        "settled or publishing": situation(owner, volume=on_node),
        "no volume yet": situation(claim(), volume=None),
        "attached elsewhere": situation(owner, volume=volume(attachment("i-0fffffffffffffff0"))),
        "no cluster": situation(claim(), volume=None, cluster=None),
        "paused": situation(claim(spec(management={"paused": True})), volume=None),
    }
    states = [
        pytest.param(
            stored(claim_report(ClaimStory(situation=one, verdict=decide_claim(one))).status), id=f"claim: {name}"
        )
        for name, one in given.items()
    ]
    unread = ClaimStory(situation=given["no volume yet"], unread=failure(ErrorKind.UNREACHABLE))
    return [*states, pytest.param(stored(claim_report(unread).status), id="claim: AWS cannot be reached")]


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def health(kind: str, obj: dict[str, Any]) -> dict[str, str]:
    found: dict[str, str] = run(CUSTOMIZATIONS / kind / "health.lua", obj)
    return found


def ready(obj: dict[str, Any]) -> dict[str, Any]:
    conditions = obj.get("status", {}).get("conditions", [])
    return next((one for one in conditions if one["type"] == "Ready"), {})


def paused(obj: dict[str, Any]) -> bool:
    conditions = obj.get("status", {}).get("conditions", [])
    return any(one["type"] == "Paused" and one["status"] == "True" for one in conditions)


@pytest.mark.parametrize("obj", [*cluster_states(), *claim_states()])
def test_argo_and_kstatus_agree(kind: str, obj: dict[str, Any]) -> None:
    said = health(kind, obj)
    if paused(obj):
        assert said["status"] == "Suspended"
        return
    assert said["status"] == SAME[kstatus.compute(obj)]
    assert said["message"] == ready(obj)["message"]


def test_the_states_are_of_every_health() -> None:
    seen = {health("HyperPodCluster", param.values[0])["status"] for param in cluster_states()}
    assert seen == {"Healthy", "Degraded", "Progressing", "Suspended"}


def test_nothing_is_healthy_that_nobody_looked_at(kind: str) -> None:
    assert health(kind, stored(None))["status"] == "Progressing"


def test_an_edit_is_not_healthy_before_it_was_seen(kind: str) -> None:
    settled = next(
        copy.deepcopy(param.values[0]) for param in cluster_states() if ready(param.values[0]).get("status") == "True"
    )
    assert health(kind, settled)["status"] == "Healthy"
    settled["metadata"]["generation"] += 1
    assert health(kind, settled)["status"] == "Progressing"


def test_a_ready_that_stands_before_stalled_does_not_hide_it(kind: str) -> None:
    conditions = [
        {"type": "Ready", "status": "False", "message": "first"},
        {"type": "Stalled", "status": "True", "message": "a person has to act"},
    ]
    obj = {"metadata": {"generation": 1}, "status": {"observedGeneration": 1, "conditions": conditions}}
    assert health(kind, obj) == {"status": "Degraded", "message": "a person has to act"}


def act(kind: str, action: str, obj: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = run(CUSTOMIZATIONS / kind / "actions" / action / "action.lua", obj)
    return made


def test_pausing_and_resuming_leaves_the_spec_as_it_was(kind: str) -> None:
    before = stored(None, spec={"instanceGroups": ["a"]})
    held = act(kind, "pause", before)
    assert held["spec"]["management"]["paused"] is True
    assert act(kind, "resume", held) == before


def test_resuming_keeps_what_else_is_managed(kind: str) -> None:
    obj = stored(None, spec={"management": {"paused": True, "deletionPolicy": "Retain"}})
    assert act(kind, "resume", obj)["spec"]["management"] == {"deletionPolicy": "Retain"}


def test_a_pass_is_asked_for_by_the_annotation(kind: str) -> None:
    made = act(kind, "reconcile", stored(None, spec={"a": "b"}))
    assert made["metadata"]["annotations"]["hyperpod-operator.dev/reconcile-requested-at"].endswith("Z")


@pytest.mark.parametrize(("management", "offered"), [({}, "pause"), ({"paused": True}, "resume")])
def test_only_the_action_that_changes_something_is_offered(
    kind: str, management: dict[str, bool], offered: str
) -> None:
    found = run(CUSTOMIZATIONS / kind / "actions" / "discovery.lua", stored(None, spec={"management": management}))
    disabled = {name: entry.get("disabled", False) if entry else False for name, entry in found.items()}
    assert disabled == {"pause": offered != "pause", "resume": offered != "resume", "reconcile": False}


def test_the_config_map_is_up_to_date() -> None:
    assert CONFIG_MAP.read_text() == config_map()


def test_the_config_map_holds_scripts_that_run(kind: str) -> None:
    data = yaml.safe_load(CONFIG_MAP.read_text())["data"]
    lua = data[f"resource.customizations.health.hyperpod-operator.dev_{kind}"]
    assert lua == (CUSTOMIZATIONS / kind / "health.lua").read_text()
    actions = yaml.safe_load(data[f"resource.customizations.actions.hyperpod-operator.dev_{kind}"])
    assert {one["name"] for one in actions["definitions"]} == {"pause", "resume", "reconcile"}


@pytest.mark.parametrize("name", ["string", "io", "math", "debug"])
def test_the_sandbox_is_as_poor_as_argos(tmp_path: Any, name: str) -> None:
    script = tmp_path / "probe.lua"
    script.write_text(f"return {{ there = {name} ~= nil }}")
    assert run(script) == {"there": False}
