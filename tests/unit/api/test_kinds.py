"""The records of the kinds: what has to be unique, and that nothing else names a kind."""

import re
from pathlib import Path

import pytest

import hyperpod_operator
from hyperpod_operator.api.kinds import KINDS, Kind

ROOT = Path(hyperpod_operator.__file__).parent
NAMED = re.compile(
    r"hyperpodclusters|ebsvolumeclaims|hyperpodnodeoperations|\b(?:CLUSTER|VOLUME_CLAIM|NODE_OPERATION)_(?:KIND|PLURAL|SINGULAR|SHORT)\b"
)
MAY_NAME_A_KIND = {
    "api/names.py",  # where the words are
    "api/kinds/__init__.py",  # which record is the one of a name
    "api/kinds/cluster.py",
    "api/kinds/volume_claim.py",
    "api/kinds/node_operation.py",
    "api/cluster/resource.py",  # the member `kind` of each model
    "api/volume/resource.py",
    "api/nodeoperation/resource.py",
    "core/explain/around.py",  # explains an object of each kind to a pod or a Node, and imports no pydantic
}

every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


@pytest.mark.parametrize("member", ["name", "plural", "singular", "short", "word", "finalizer", "definition"])
def test_no_two_kinds_share_a_name(member: str) -> None:
    assert len({getattr(kind, member) for kind in KINDS}) == len(KINDS)


@every_kind
def test_columns_and_selectable_fields_are_members_of_the_status_or_spec(kind: Kind) -> None:
    for path in (*(column.path for column in kind.columns), *kind.selectable):
        _, top, member, *_ = path.split(".")
        if top == "metadata" or member.startswith("conditions["):
            continue
        model = {"spec": kind.spec, "status": kind.status}[top]
        assert member in model.model_fields, path


@every_kind
def test_the_models_of_a_kind_are_those_of_its_resource(kind: Kind) -> None:
    fields = kind.resource.model_fields
    assert fields["spec"].annotation is kind.spec
    assert kind.resource.model_fields["kind"].default == kind.name


@every_kind
def test_every_kind_may_watch_and_write_its_own_objects(kind: Kind) -> None:
    granted = {right.resource: set(right.verbs) for right in kind.all_rights}
    assert granted[kind.plural] == {"get", "list", "watch", "patch"} | ({"delete"} if kind.expires else set())
    assert granted[f"{kind.plural}/status"] == {"patch"}


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.has_plans], ids=lambda kind: kind.name)
def test_a_plan_of_each_kind_that_waits_for_an_approval_is_a_gauge_with_an_alert(kind: Kind) -> None:
    (waiting,) = (gauge.instrument for gauge in kind.gauges if gauge.instrument.name.endswith("_approval_waiting"))
    alerts = ROOT.parents[1] / "helm" / "hyperpod-operator" / "files" / "alerts.yaml"
    assert waiting.name in alerts.read_text()


def test_no_other_file_names_a_kind() -> None:
    naming = {str(path.relative_to(ROOT)) for path in ROOT.rglob("*.py") if NAMED.search(path.read_text())}
    assert naming == MAY_NAME_A_KIND
