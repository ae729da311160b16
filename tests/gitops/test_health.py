"""The health script says of every state what a person would say, and what Flux and Helm would conclude."""

import itertools
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from tests.gitops import kstatus
from tests.gitops.repository import CUSTOMIZATIONS, NAMES
from tests.gitops.sandbox import execute
from tests.gitops.scenes import SCENES as SCENES_OF
from tests.unit.core.test_policy import DELETED_TABLE, LIVING_TABLE
from tools.argocd.scene import DEGRADED, HEALTHY, PROGRESSING, SUSPENDED, Scene

from hyperpod_operator.api.metrics.suspended import suspended
from hyperpod_operator.api.names import CLUSTER_KIND, VOLUME_CLAIM_KIND
from hyperpod_operator.core.cluster.concerns import decide
from hyperpod_operator.core.cluster.decision import Act, NeedTags
from hyperpod_operator.core.cluster.pass_record import PassRecord
from hyperpod_operator.core.cluster.report import intent, report

SAME = {kstatus.CURRENT: HEALTHY, kstatus.FAILED: DEGRADED, kstatus.IN_PROGRESS: PROGRESSING}


def scenes(kind: str) -> list[Scene]:
    return list(SCENES_OF[kind]())


SCENES = [pytest.param(scene, id=f"{kind}-{scene.name}") for kind in NAMES for scene in scenes(kind)]
MOST_INSTRUCTIONS = 2_000
"""Argo CD ends a script after a second, in which Lua runs millions: a script of this length never comes near."""


@pytest.fixture(params=NAMES)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def script(kind: str) -> str:
    return (CUSTOMIZATIONS / kind / "health.lua").read_text()


def health(kind: str, obj: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = execute(script(kind), obj).value
    return found


def held(obj: Mapping[str, Any]) -> bool:
    """A person asked for a stop: Argo CD has a word for it and kstatus has none."""
    conditions = obj.get("status", {}).get("conditions", [])
    stopped = any(
        (one["type"], one["status"]) == ("Paused", "True") or one["reason"] == "Suspended" for one in conditions
    )
    return stopped or unapproved(obj)


def unapproved(obj: Mapping[str, Any]) -> bool:
    """Changes wait for an approval: Argo CD calls that a stop, kstatus calls it Failed."""
    ready = {one["type"]: one["reason"] for one in obj.get("status", {}).get("conditions", [])}
    return "PlanApproved" in ready and ready["PlanApproved"] == ready.get("Stalled")


@pytest.mark.parametrize("scene", SCENES)
def test_health_is_what_a_person_would_say(scene: Scene) -> None:
    assert health(scene.kind.name, scene.manifest) == {"status": scene.health, "message": scene.message}


@pytest.mark.parametrize("scene", SCENES)
def test_kstatus_concludes_the_same(scene: Scene) -> None:
    """But for three words: nothing there yet (kstatus calls it done), a stop by wish, and deletion (no script runs)."""
    found = kstatus.compute(scene.manifest)
    said = health(scene.kind.name, scene.manifest)["status"]
    if "status" not in scene.manifest:
        assert (found.status, said) == (kstatus.CURRENT, PROGRESSING)
    elif "deletionTimestamp" in scene.manifest["metadata"]:
        assert found.status == kstatus.TERMINATING
    elif unapproved(scene.manifest):
        assert (found.status, said) == (kstatus.FAILED, SUSPENDED)
    elif held(scene.manifest):
        assert (found.status, said) in {(kstatus.CURRENT, SUSPENDED), (kstatus.IN_PROGRESS, SUSPENDED)}
    else:
        assert SAME[found.status] == said


def shapes() -> Sequence[Any]:
    """Each way in which the conditions that health looks at can stand together, in each order."""
    found = []
    for ready, abnormal, paused in itertools.product(
        ("True", "False", "Unknown"), (None, "Reconciling", "Stalled"), (False, True)
    ):
        types = {"Ready": ready}
        if abnormal:
            types[abnormal] = "True"
        if paused:
            types["Paused"] = "True"
        for order in itertools.permutations(types):
            conditions = [
                {"type": name, "status": types[name], "reason": "Any", "message": f"{name} speaks"} for name in order
            ]
            obj = {"metadata": {"generation": 3}, "status": {"observedGeneration": 3, "conditions": conditions}}
            found.append(pytest.param(obj, id=" ".join(f"{name}={types[name]}" for name in order)))
    return found


@pytest.mark.parametrize("obj", shapes())
def test_the_order_of_conditions_changes_nothing(kind: str, obj: dict[str, Any]) -> None:
    assert health(kind, obj)["status"] == (SUSPENDED if held(obj) else SAME[kstatus.compute(obj).status])


def test_an_edit_is_not_healthy_before_it_was_seen(kind: str) -> None:
    healthy = next(scene.manifest for scene in scenes(kind) if scene.name == "healthy")
    edited = {**healthy, "metadata": {**healthy["metadata"], "generation": healthy["metadata"]["generation"] + 1}}
    assert (health(kind, healthy)["status"], health(kind, edited)["status"]) == (HEALTHY, PROGRESSING)


def test_scenes_are_of_every_health(kind: str) -> None:
    assert {scene.health for scene in scenes(kind)} == {HEALTHY, DEGRADED, PROGRESSING, SUSPENDED}


def table() -> Sequence[Any]:
    """The status after each case of the policies' own tables."""
    rows = []
    for name, given, answer in [*LIVING_TABLE, *DELETED_TABLE]:
        decision = decide(given)
        if isinstance(decision, NeedTags):
            continue
        pass_record = PassRecord(snapshot=given, decision=decision)
        status = intent(pass_record, decision) if isinstance(decision, Act) else report(pass_record).status
        if status is not None and status.conditions:
            dumped = status.model_dump(mode="json", exclude_none=True)
            obj = {"metadata": {"generation": given.resource.generation}, "status": dumped}
            rows.append(pytest.param(obj, id=f"{name}: {answer}"))
    return rows


@pytest.mark.parametrize("obj", table())
def test_no_policy_of_a_cluster_makes_the_two_disagree(obj: dict[str, Any]) -> None:
    said = health(CLUSTER_KIND, obj)["status"]
    assert said == (SUSPENDED if held(obj) else SAME[kstatus.compute(obj).status])


@pytest.mark.parametrize("scene", SCENES)
def test_the_gauge_that_silences_alerts_says_what_the_script_says(scene: Scene) -> None:
    """But for what the script does not look at yet: a generation that the operator has not seen."""
    status, generation = scene.manifest.get("status"), scene.manifest["metadata"]["generation"]
    if status is None or status["observedGeneration"] != generation:
        return
    given = SimpleNamespace(conditions=[SimpleNamespace(**one) for one in status["conditions"]])
    assert list(suspended(given)) == [((), float(scene.health == SUSPENDED))]


def test_a_suspended_attachment_is_no_work_that_never_ends() -> None:
    suspended = next(scene for scene in scenes(VOLUME_CLAIM_KIND) if scene.name == "suspended")
    assert health(VOLUME_CLAIM_KIND, suspended.manifest)["status"] == SUSPENDED


@pytest.mark.parametrize("scene", SCENES)
def test_the_script_is_short_of_work(scene: Scene) -> None:
    assert execute(script(scene.kind.name), scene.manifest).instructions < MOST_INSTRUCTIONS
