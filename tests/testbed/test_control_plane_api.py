"""What the test bed asks of the API server without kubectl: the same names, the same answers."""

import json
from typing import Any

import pytest

from hyperpod_testbed.control_plane import ApiError, ControlPlane
from hyperpod_testbed.control_plane.api import NEW_KIND, Answer, Api

NAME = "settings"


@pytest.fixture
def stored(control_plane: ControlPlane, namespace: str) -> dict[str, Any]:
    return control_plane.api.create(config(a="1"), namespace=namespace)


def config(**data: str) -> dict[str, Any]:
    labels = {"made-by": "test"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": NAME, "labels": labels}, "data": data}


@pytest.mark.parametrize("kind", ["ConfigMap", "configmaps", "cm"])
def test_an_object_is_what_kubectl_gets(
    control_plane: ControlPlane, namespace: str, stored: dict[str, Any], kind: str
) -> None:
    shown = control_plane.kubectl("-n", namespace, "get", kind, NAME, "-o", "json", "--show-managed-fields").stdout
    assert control_plane.api.get(kind, NAME, namespace=namespace) == json.loads(shown) == stored


def test_an_object_that_is_not_there_is_none(control_plane: ControlPlane, namespace: str) -> None:
    assert control_plane.api.get("configmaps", "absent", namespace=namespace) is None


def test_a_kind_of_a_group_is_named_as_for_kubectl(control_plane: ControlPlane, namespace: str) -> None:
    assert control_plane.api.list("events.events.k8s.io", namespace=namespace) == []
    assert control_plane.api.get("clusterroles", "cluster-admin") is not None


def test_what_is_applied_again_replaces_what_was_applied(control_plane: ControlPlane, namespace: str) -> None:
    control_plane.api.apply(config(a="1", b="2"), namespace=namespace)
    assert control_plane.api.apply(config(b="3"), namespace=namespace)["data"] == {"b": "3"}


@pytest.mark.parametrize(("words", "applied"), [(NEW_KIND, True), ("etcd is away", False)])
def test_an_apply_waits_for_the_schema_of_a_new_kind_and_for_nothing_else(
    control_plane: ControlPlane, namespace: str, monkeypatch: pytest.MonkeyPatch, words: str, applied: bool
) -> None:
    ask, refused = Api.ask, [Answer(status=503, body={"message": words})] * 2

    def asked(self: Api, *args: Any, **how: Any) -> Answer:
        return refused.pop() if refused else ask(self, *args, **how)

    monkeypatch.setattr(Api, "ask", asked)
    if applied:
        assert control_plane.api.apply(config(a="1"), namespace=namespace)["data"] == {"a": "1"}
    else:
        with pytest.raises(ApiError, match="etcd is away"):
            control_plane.api.apply(config(a="1"), namespace=namespace)


def test_a_member_that_the_schema_lacks_is_refused(control_plane: ControlPlane, namespace: str) -> None:
    with pytest.raises(ApiError, match="unknown"):
        control_plane.api.apply({**config(), "unknown": {}}, namespace=namespace)


def test_a_merge_changes_what_it_names(control_plane: ControlPlane, namespace: str, stored: dict[str, Any]) -> None:
    assert control_plane.api.merge("cm", NAME, {"data": {"a": None, "b": "2"}}, namespace=namespace)["data"] == {
        "b": "2"
    }


def test_a_selector_chooses_what_is_listed_and_deleted(
    control_plane: ControlPlane, namespace: str, stored: dict[str, Any]
) -> None:
    api = control_plane.api
    assert [one["metadata"]["name"] for one in api.list("cm", namespace=namespace, labels="made-by=test")] == [NAME]
    api.delete_all("cm", namespace=namespace, labels="made-by=other")
    assert api.get("cm", NAME, namespace=namespace)
    api.delete_all("cm", namespace=namespace, labels="made-by=test")
    assert api.get("cm", NAME, namespace=namespace) is None


def test_what_is_not_there_cannot_be_deleted(control_plane: ControlPlane, namespace: str) -> None:
    with pytest.raises(ApiError, match="not found"):
        control_plane.api.delete("cm", "absent", namespace=namespace)


def test_a_new_object_is_judged_by_the_rights_of_whoever_asks_and_not_stored(
    control_plane: ControlPlane, namespace: str
) -> None:
    api = control_plane.api
    refusal = api.judge_new(config(), namespace=namespace, user="nobody")
    assert (refusal.status, refusal.refused) == (403, True)
    assert 'User "nobody" cannot create' in refusal.words
    assert not api.judge_new(config(), namespace=namespace).refused
    assert api.get("cm", NAME, namespace=namespace) is None


def test_a_change_is_judged_with_what_is_stored_and_not_made(control_plane: ControlPlane, namespace: str) -> None:
    api = control_plane.api
    api.create({**config(a="1"), "immutable": True}, namespace=namespace)
    assert not api.judge_change({**config(a="1"), "immutable": True}, namespace=namespace).refused
    assert "immutable" in api.judge_change({**config(a="2"), "immutable": True}, namespace=namespace).words


def test_a_warning_is_told(control_plane: ControlPlane, namespace: str) -> None:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "warned", "annotations": {"scheduler.alpha.kubernetes.io/critical-pod": ""}},
        "spec": {"containers": [{"name": "main", "image": "x"}]},
    }
    answer = control_plane.api.judge_new(pod, namespace=namespace)
    assert (answer.refused, len(answer.warnings)) == (False, 1)
    assert answer.words.endswith('use the "priorityClassName" field instead')


def test_an_answer_that_is_text_has_its_words_too(control_plane: ControlPlane) -> None:
    answer = control_plane.api.ask("GET", "/apis/nobody.example/v1/things")
    assert (answer.status, answer.words) == (404, "404 page not found")


def test_every_object_of_a_list_is_applied(control_plane: ControlPlane, namespace: str) -> None:
    items = [{**config(), "metadata": {"name": name, "namespace": namespace}} for name in ("one", "two")]
    assert control_plane.apply(json.dumps({"apiVersion": "v1", "kind": "List", "items": items})) == ["one", "two"]


def test_a_definition_is_gone_at_once_however_young_it_is(control_plane: ControlPlane) -> None:
    name = "gadgets.testbed.example"
    for _ in range(20):
        control_plane.api.create(definition(name))
        control_plane.remove_crds(name, "others.testbed.example")
        assert control_plane.api.get("customresourcedefinitions", name) is None


def definition(name: str) -> dict[str, Any]:
    plural, group = name.split(".", 1)
    schema = {"openAPIV3Schema": {"type": "object"}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": name},
        "spec": {
            "group": group,
            "names": {"kind": "Widget", "plural": plural},
            "scope": "Namespaced",
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
        },
    }
