"""Testdata in the layout that Argo CD's own project takes, written from the scenes and compared with them by a test.

`python -m tests.gitops.fixtures` writes it: do so after a change of the operator's status or messages.
"""

import copy
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from tests.gitops import claim_scenes, cluster_scenes, operation_scenes
from tests.gitops.scene import Scene

from hyperpod_operator.api.kinds import KINDS as RECORDS
from hyperpod_operator.api.names import (
    APPROVE_PLAN,
    CLUSTER_KIND,
    NODE_OPERATION_KIND,
    RECONCILE_REQUESTED_AT,
    VOLUME_CLAIM_KIND,
)
from hyperpod_testbed.gitops.argocd import CUSTOMIZATIONS

SCENES = {
    CLUSTER_KIND: cluster_scenes.scenes,
    VOLUME_CLAIM_KIND: claim_scenes.scenes,
    NODE_OPERATION_KIND: operation_scenes.scenes,
}
KINDS = tuple(kind.name for kind in RECORDS)
COMMAND = "python -m tests.gitops.fixtures"
ANY_TIME = "0001-01-01T00:00:00Z"
"""Stands for the moment at which an action ran, as in the testdata of Argo CD's project."""

Manifest = Mapping[str, Any]
CASES = (
    ("pause", "bare", "bare_paused"),
    ("pause", "managed", "managed_paused"),
    ("resume", "bare_paused", "bare"),
    ("resume", "managed_paused", "managed"),
    ("resume", "bare", "bare"),
    ("reconcile", "bare", "bare_reconciled"),
)
"""Action, resource before, resource after."""


def scenes(kind: str) -> Sequence[Scene]:
    """The scenes of a kind."""
    return list(SCENES[kind]())


def wanted() -> Mapping[Path, str]:
    """Every generated file with its text."""
    return {path: text for kind in KINDS for path, text in (*_health(kind), *_actions(kind))}


def _health(kind: str) -> Iterator[tuple[Path, str]]:
    folder, tests = CUSTOMIZATIONS / kind, []
    for scene in scenes(kind):
        tests.append(
            {
                "healthStatus": {"status": scene.health, "message": scene.message},
                "inputPath": f"testdata/{scene.name}.yaml",
            }
        )
        yield folder / "testdata" / f"{scene.name}.yaml", _text(scene.manifest)
    yield folder / "health_test.yaml", _text({"tests": tests})


def _actions(kind: str) -> Iterator[tuple[Path, str]]:
    """What each action makes of a healthy resource, with and without a `management` of its own."""
    folder = CUSTOMIZATIONS / kind / "actions"
    healthy = next(scene.manifest for scene in scenes(kind) if scene.name == "healthy")
    bare = {**healthy, "spec": {key: value for key, value in healthy["spec"].items() if key != "management"}}
    annotated = copy.deepcopy(bare)
    annotated["metadata"] = {**bare["metadata"], "annotations": {RECONCILE_REQUESTED_AT: ANY_TIME}}
    if kind == NODE_OPERATION_KIND:
        stopped = {**bare, "spec": {**bare["spec"], "suspend": True}}
        data = {"bare": bare, "bare_paused": stopped, "bare_reconciled": annotated}
        cases = [*CASES[:1], *CASES[2:3], *CASES[4:]]
        yield from _written(kind, folder, *_with_approval(kind, data, cases))
        return
    policy = {"deletionPolicy": "Retain"} if kind == CLUSTER_KIND else {"reclaimPolicy": "Snapshot"}
    data = {
        "bare": bare,
        "bare_paused": _managed(bare, {"paused": True}),
        "bare_reconciled": annotated,
        "managed": _managed(bare, policy),
        "managed_paused": _managed(bare, {**policy, "paused": True}),
    }
    yield from _written(kind, folder, *_with_approval(kind, data, list(CASES)))


def _with_approval(
    kind: str, data: Mapping[str, Manifest], cases: Sequence[tuple[str, str, str]]
) -> tuple[Mapping[str, Manifest], Sequence[tuple[str, str, str]]]:
    """And of one whose plan waits, for kinds that have plans."""
    waiting = {scene.name: scene.manifest for scene in scenes(kind)}.get("waiting_for_approval")
    if waiting is None:
        return data, cases
    digest = waiting["status"]["plan"]["digest"]
    approved = {**waiting, "metadata": {**waiting["metadata"], "annotations": {APPROVE_PLAN: digest}}}
    more = [("approve", "waiting", "waiting_approved"), ("approve", "bare", "bare")]
    return {**data, "waiting": waiting, "waiting_approved": approved}, [*cases, *more]


def _written(
    kind: str, folder: Path, data: Mapping[str, Manifest], cases: Sequence[tuple[str, str, str]]
) -> Iterator[tuple[Path, str]]:
    for name, manifest in data.items():
        yield folder / "testdata" / f"{name}.yaml", _text(manifest)
    yield (
        folder / "action_test.yaml",
        _text(
            {
                "discoveryTests": [
                    {"inputPath": f"testdata/{name}.yaml", "result": _offered(kind, name)} for name in data
                ],
                "actionTests": [
                    {
                        "action": action,
                        "inputPath": f"testdata/{given}.yaml",
                        "expectedOutputPath": f"testdata/{made}.yaml",
                    }
                    for action, given, made in cases
                ],
            }
        ),
    )


def _offered(kind: str, name: str) -> list[dict[str, Any]]:
    paused = "paused" in name
    disabled = {"pause": paused, "resume": not paused, "reconcile": False}
    if kind in {CLUSTER_KIND, NODE_OPERATION_KIND}:
        disabled["approve"] = "waiting" not in name
    return [{"name": action, **({"disabled": True} if disabled[action] else {})} for action in sorted(disabled)]


def _managed(manifest: Manifest, management: Mapping[str, Any]) -> dict[str, Any]:
    return {**manifest, "spec": {**manifest["spec"], "management": dict(management)}}


def _text(content: Any) -> str:
    plain = copy.deepcopy(dict(content))
    return f"# Generated: {COMMAND}\n" + yaml.dump(plain, Dumper=_Plain, sort_keys=False, width=110)


class _Plain(yaml.SafeDumper):
    """No anchors: what is written twice is read more easily."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def stale(files: Mapping[Path, str]) -> list[Path]:
    """Files that differ, and generated ones that no scene stands behind any more."""
    differ = [path for path, text in files.items() if not path.exists() or path.read_text() != text]
    there = {path for path in CUSTOMIZATIONS.rglob("testdata/*.yaml") if path not in files}
    return sorted([*differ, *there])


def write() -> None:
    """Bring all files up to date."""
    files = wanted()
    for path in stale(files):
        if path in files:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(files[path])
        else:
            path.unlink()


if __name__ == "__main__":
    write()
