"""Who may approve a plan, on a real API server: an editor is refused, an approver is not, and warnings warn."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.unit.core.builders import group_spec, spec

from hyperpod_operator.api.admission import PolicySettings, all_policies
from hyperpod_operator.api.names import (
    API_VERSION,
    APPROVE_PLAN,
    APPROVED_BY,
    CLUSTER_KIND,
    CLUSTER_PLURAL,
    GROUP,
    NODE_OPERATION_KIND,
    NODE_OPERATION_PLURAL,
)
from hyperpod_testbed.control_plane import ControlPlane

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.control_plane

NAMESPACE = "team"
OPERATOR = "system:serviceaccount:hyperpod-operator:hyperpod-operator"
EDITOR, APPROVER = "editor@example.com", "approver@example.com"
ONE, OTHER = f"sha256:{'1' * 64}", f"sha256:{'2' * 64}"
WRITE = ["get", "list", "create", "update", "patch"]


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    """One of its own, because the policies are for the whole cluster; with the beta API of mutating policies."""
    flags = [
        "--feature-gates=MutatingAdmissionPolicy=true",
        "--runtime-config=admissionregistration.k8s.io/v1beta1=true",
    ]
    with ControlPlane(components=frozenset({"etcd", "kube-apiserver"}), extra_args={"kube-apiserver": flags}) as plane:
        plane.kubectl("create", "namespace", NAMESPACE)
        plane.install_crds(ROOT / "crds")
        for name in ("approvals.yaml", "approved-by.yaml"):
            manifests = all_policies(PolicySettings())[name]
            plane.kubectl("apply", "--server-side", "-f", "-", input=yaml.safe_dump_all(manifests))
        _grant(plane, "edit", verbs=WRITE, users=[EDITOR, APPROVER, OPERATOR])
        _grant(plane, "approve", verbs=["approve"], users=[APPROVER], names=["research", "reboot"])
        approve_all = {"changePolicy": "ApproveAll"}
        for made in (cluster("research", approve_all), cluster("other", approve_all), operation("reboot")):
            plane.wait_until_admitted(json.dumps(made))
            plane.kubectl("apply", "-f", "-", input=json.dumps(made))
        _wait_until_in_force(plane)
        yield plane


def _grant(
    plane: ControlPlane, name: str, *, verbs: list[str], users: list[str], names: list[str] | None = None
) -> None:
    resources = [CLUSTER_PLURAL, f"{CLUSTER_PLURAL}/status", NODE_OPERATION_PLURAL]
    rule = {"apiGroups": [GROUP], "resources": resources, "verbs": verbs}
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": name},
        "rules": [rule | ({"resourceNames": names} if names else {})],
    }
    plane.kubectl("apply", "-f", "-", input=json.dumps(role))
    plane.kubectl("create", "clusterrolebinding", name, f"--clusterrole={name}", *(f"--user={user}" for user in users))


def _wait_until_in_force(plane: ControlPlane) -> None:
    """Policies are compiled a moment after they are stored."""
    deadline = time.monotonic() + 30
    for to_which in ({}, {"kind": "hpno", "name": "reboot"}):
        while (
            annotate(plane, EDITOR, ONE, **to_which).returncode == 0
            or APPROVED_BY not in annotate(plane, APPROVER, ONE, **to_which).stdout
        ):
            assert time.monotonic() < deadline
            time.sleep(0.2)


def cluster(name: str, management: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {
        "apiVersion": API_VERSION,
        "kind": CLUSTER_KIND,
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": spec(management=management, **members),
    }


def operation(name: str, approved: str = "") -> dict[str, Any]:
    nodes = {"names": ["hyperpod-i-0123456789abcdef0"]}
    return {
        "apiVersion": API_VERSION,
        "kind": NODE_OPERATION_KIND,
        "metadata": {"name": name, "namespace": NAMESPACE, "annotations": {APPROVE_PLAN: approved} if approved else {}},
        "spec": {"clusterRef": {"name": "research"}, "operation": "Reboot", "nodes": nodes},
    }


def create(plane: ControlPlane, user: str, made: dict[str, Any]) -> Any:
    command = ("-n", NAMESPACE, "--as", user, "create", "--dry-run=server", "-o", "json", "-f", "-")
    return plane.kubectl(*command, input=json.dumps(made), check=False)


def patch(
    plane: ControlPlane,
    user: str,
    change: dict[str, Any],
    *,
    kind: str = "hpc",
    name: str = "research",
    status: bool = False,
) -> Any:
    sub = ("--subresource=status",) if status else ()
    return plane.kubectl(
        *("-n", NAMESPACE, "--as", user, "patch", kind, name, "--type=merge", "--dry-run=server", "-o", "json", *sub),
        *("-p", json.dumps(change)),
        check=False,
    )


def annotate(plane: ControlPlane, user: str, digest: str | None, **fields: Any) -> Any:
    return patch(plane, user, {"metadata": {"annotations": {APPROVE_PLAN: digest}}}, **fields)


def managed(plane: ControlPlane, user: str, **management: Any) -> Any:
    return patch(plane, user, {"spec": {"management": management}})


def test_an_editor_may_not_approve(plane: ControlPlane) -> None:
    for answer in (annotate(plane, EDITOR, ONE), managed(plane, EDITOR, approvedPlan=ONE)):
        assert "you may not approve plans" in answer.stderr


def test_an_approver_may(plane: ControlPlane) -> None:
    for answer in (annotate(plane, APPROVER, ONE), managed(plane, APPROVER, approvedPlan=ONE)):
        assert answer.returncode == 0, answer.stderr


def test_an_approver_of_one_cluster_may_not_approve_another(plane: ControlPlane) -> None:
    assert "you may not approve plans" in annotate(plane, APPROVER, ONE, name="other").stderr


def test_an_editor_may_not_create_an_approved_cluster(plane: ControlPlane) -> None:
    assert "you may not approve plans" in create(plane, EDITOR, cluster("made", {"approvedPlan": ONE})).stderr


def test_an_editor_may_not_approve_an_operation(plane: ControlPlane) -> None:
    said = annotate(plane, EDITOR, ONE, kind="hpno", name="reboot").stderr
    assert "you may not approve this HyperPodNodeOperation: that needs the verb approve on" in said
    assert patch(plane, EDITOR, {"spec": {"suspend": True}}, kind="hpno", name="reboot").returncode == 0


def test_an_approver_may_approve_an_operation_and_is_written_down(plane: ControlPlane) -> None:
    made = json.loads(annotate(plane, APPROVER, ONE, kind="hpno", name="reboot").stdout)
    assert made["metadata"]["annotations"][APPROVED_BY] == APPROVER


@pytest.mark.parametrize("user", [EDITOR, APPROVER])
def test_only_an_approver_of_it_may_create_an_approved_operation(plane: ControlPlane, user: str) -> None:
    assert create(plane, EDITOR, operation("plain")).returncode == 0
    assert "you may not approve this" in create(plane, user, operation("made", ONE)).stderr


def test_nobody_approves_an_operation_in_another_name(plane: ControlPlane) -> None:
    change = {"metadata": {"annotations": {APPROVED_BY: "other@example.com"}}}
    assert "set your own name" in patch(plane, EDITOR, change, kind="hpno", name="reboot").stderr


def test_an_editor_may_not_move_an_approval_to_another_digest(plane: ControlPlane) -> None:
    plane.kubectl("-n", NAMESPACE, "annotate", "--overwrite", "hpc", "research", f"{APPROVE_PLAN}={ONE}")
    assert "you may not approve plans" in annotate(plane, EDITOR, OTHER).stderr
    assert annotate(plane, EDITOR, ONE).returncode == 0
    assert annotate(plane, EDITOR, None).returncode == 0


@pytest.mark.parametrize("loose", ["Auto", "ApproveDisruptive", None])
def test_an_editor_may_not_loosen_the_policy(plane: ControlPlane, loose: str | None) -> None:
    assert "you may not loosen" in managed(plane, EDITOR, changePolicy=loose).stderr
    assert managed(plane, APPROVER, changePolicy=loose).returncode == 0


def test_an_editor_may_make_the_policy_stricter(plane: ControlPlane) -> None:
    assert managed(plane, EDITOR, changePolicy="PlanOnly").returncode == 0


def test_an_editor_may_not_write_the_record_of_an_approval(plane: ControlPlane) -> None:
    change = {"status": {"lastApproval": {"digest": ONE}}}
    assert "you may not change status.lastApproval" in patch(plane, EDITOR, change, status=True).stderr
    assert patch(plane, OPERATOR, change, status=True).returncode == 0


def test_the_approver_is_written_down(plane: ControlPlane) -> None:
    made = json.loads(annotate(plane, APPROVER, OTHER).stdout)
    assert made["metadata"]["annotations"][APPROVED_BY] == APPROVER


def test_nobody_approves_in_another_name(plane: ControlPlane) -> None:
    change = {"metadata": {"annotations": {APPROVED_BY: "other@example.com"}}}
    assert "set your own name" in patch(plane, EDITOR, change).stderr


def test_a_removed_group_is_warned_of(plane: ControlPlane) -> None:
    answer = patch(plane, EDITOR, {"spec": {"instanceGroups": [group_spec()]}})
    assert answer.returncode == 0
    assert "removes an instance group" in answer.stderr


def test_an_undrained_software_update_is_warned_of(plane: ControlPlane) -> None:
    groups = [group_spec(imageReleaseVersion="1.2.3"), spec()["instanceGroups"][1]]
    assert "without draining" in patch(plane, EDITOR, {"spec": {"instanceGroups": groups}}).stderr


def test_a_harmless_edit_is_not_warned_of(plane: ControlPlane) -> None:
    answer = patch(plane, EDITOR, {"spec": {"nodeRecovery": "None"}})
    assert (answer.returncode, "Warning" in answer.stderr) == (0, False)


def test_deleting_an_adopted_cluster_with_its_resource_is_warned_of(plane: ControlPlane) -> None:
    adopted = json.dumps({"status": {"origin": "Adopted"}})
    plane.kubectl("-n", NAMESPACE, "patch", "hpc", "other", "--subresource=status", "--type=merge", "-p", adopted)
    answer = patch(plane, EDITOR, {"spec": {"management": {"deletionPolicy": "Delete"}}}, name="other")
    assert "deletes the cluster in AWS" in answer.stderr
