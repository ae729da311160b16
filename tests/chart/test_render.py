"""What helm says without a cluster: lint, and a schema that refuses what it does not know."""

import json
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from tests.chart.conftest import VALUES

from hyperpod_operator.core.lease import LeaseSettings
from hyperpod_testbed.documents import documents
from hyperpod_testbed.helm import CHART, Helm, HelmError

SCHEMA = json.loads((CHART / "values.schema.json").read_text())
ADMISSION = "admissionregistration.k8s.io"
PLACE = "somewhere"
"""A text that no template has."""


def _levels(schema: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every mapping whose keys are ours."""
    if "properties" in schema:
        yield path
        for name, below in schema["properties"].items():
            yield from _levels(below, (*path, name))


def _leaves(schema: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every value."""
    for name, below in schema["properties"].items():
        yield from _leaves(below, (*path, name)) if "required" in below else ((*path, name),)


def _at(schema: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    for name in path:
        schema = schema["properties"][name]
    return schema


def _nested(path: tuple[str, ...], value: Any) -> dict[str, Any]:
    for key in reversed(path):
        value = {key: value}
    return dict(value)


@pytest.mark.parametrize("path", VALUES, ids=lambda path: path.stem)
def test_lint_has_no_complaint(helm: Helm, path: Path) -> None:
    said = helm.lint(files=[path])
    assert "1 chart(s) linted, 0 chart(s) failed" in said
    assert "[WARNING]" not in said


@pytest.mark.parametrize("path", VALUES, ids=lambda path: path.stem)
def test_two_renders_are_equal(helm: Helm, path: Path) -> None:
    assert helm.render(files=[path]) == helm.render(files=[path])


@pytest.mark.parametrize("level", list(_levels(SCHEMA)), ids=lambda level: ".".join(level) or "top")
def test_a_misspelt_value_is_refused_by_name(helm: Helm, level: tuple[str, ...]) -> None:
    with pytest.raises(HelmError, match="misspelt"):
        helm.render(values=_nested((*level, "misspelt"), 1))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("replicaCount",), "two"),
        (("replicaCount",), -1),
        (("log", "level"), "LOUD"),
        (("image", "digest"), "sha256:short"),
        (("metrics", "port"), 80),
        (("admission", "pods", "action"), "Maybe"),
        (("admission", "pods", "instanceTypes"), ["ml.p5.48xlarge"]),
        (("watchNamespaces",), "team-a"),
        (("watchNamespaces",), ["team-a: x"]),
        (("watchNamespaces",), ["*"]),
        (("nameOverride",), "a: b"),
        (("nameOverride",), "a" * 59),  # a label has 63 characters, and one of them ends with -test
        (("fullnameOverride",), "it's"),
        (("fullnameOverride",), "a" * 49),  # suffixes follow; cut off it would be the name of another installation
        (("serviceAccount", "name"), "two\nlines"),
        (("priorityClassName",), "a #b"),
        (("metrics", "tls", "secretName"), "&a"),
        (("audit", "file"), "audit.jsonl"),
        (("tracing", "endpoint"), "http://collector: 4318"),
        (("podDisruptionBudget", "maxUnavailable"), "1"),
        (("serviceMonitor", "interval"), "often"),
        (("prometheusRule", "runbookUrl"), "a: b"),
        (("grafanaDashboard", "sidecarLabel"), "a: b"),
        (("tenants", "list"), [{"namespaces": ["a"], "executionRole": ["misspelt"]}]),
        (("cost", "prices"), {"currency": "USD", "region": {}}),
        (("cost", "prices"), {"currency": "USD", "regions": {"us-west-2": {"p5.48xlarge": 1}}}),
        (("crds", "enabled"), "yes"),
        (("terminationGracePeriodSeconds",), 5),
        (("extraEnv",), [{"name": "A", "value": True}]),
        (("extraEnv",), [{"value": "x"}]),
        (("extraVolumes",), [{"emptyDir": {}}]),
        (("extraVolumeMounts",), [{"name": "tmp", "mountPath": "relative"}]),
    ],
    ids=lambda value: ".".join(value) if isinstance(value, tuple) else str(value),
)
def test_a_value_that_makes_no_sense_is_refused(helm: Helm, path: tuple[str, ...], value: Any) -> None:
    with pytest.raises(HelmError, match=path[-1]):
        helm.render(values=_nested(path, value))


@pytest.mark.parametrize("path", [("metrics",), ("crds", "keep"), ("reconcile", "workers"), ("log", "format")], ids=str)
def test_a_value_without_which_nothing_works_is_missed_by_name(helm: Helm, path: tuple[str, ...]) -> None:
    """null removes a default, and an upgrade with --reuse-values has none of those that are new."""
    with pytest.raises(HelmError, match=f"missing property '{path[-1]}'"):
        helm.render(values=_nested(path, None))


EMPTY = [path for path in _leaves(SCHEMA) if path[-1] not in _at(SCHEMA, path[:-1])["required"]]
DEFAULTS = ("affinity", "podSecurityContext", "resources", "securityContext")
UNLIKE_EMPTY = {("image", "repository"), *((name,) for name in DEFAULTS)}
"""What has to be given, and what an empty one leaves as it is."""


@pytest.mark.parametrize("path", sorted(set(EMPTY) - UNLIKE_EMPTY), ids=".".join)
def test_a_value_that_may_be_null_renders_what_an_empty_one_does(helm: Helm, path: tuple[str, ...]) -> None:
    empty = {"object": {}, "array": [], "string": "", "boolean": False}
    kind = _at(SCHEMA, path)["type"]
    assert helm.render(values=_nested(path, None)) == helm.render(values=_nested(path, empty[kind]))


EVERYTHING: dict[str, Any] = {
    "serviceMonitor": {"enabled": True},
    "podMonitor": {"enabled": True, "authorization": {"credentials": {"name": "token", "key": "token"}}},
    "prometheusRule": {"enabled": True},
    "grafanaDashboard": {"enabled": True},
    "admission": {"approvals": {"recordUser": True}, "prefix": {"enabled": True}},
    "metrics": {"tls": {"secretName": PLACE}, "authentication": {"enabled": True}},
}


def _texts(place: str) -> dict[str, Any]:
    """This text in each value that takes any."""
    of_monitors = {"additionalLabels": {"example.com/z": place}}
    labels = ("podLabels", "podAnnotations", "nodeSelector")
    return {
        **{name: {"example.com/x": place} for name in labels},
        "commonLabels": {"example.com/y": place},
        "crds": {"annotations": {"example.com/x": place}},
        "serviceAccount": {"annotations": {"example.com/x": place}},
        "metrics": {**EVERYTHING["metrics"], "service": {"annotations": {"example.com/x": place}}},
        "serviceMonitor": {**EVERYTHING["serviceMonitor"], **of_monitors},
        "podMonitor": {**EVERYTHING["podMonitor"], **of_monitors},
        "prometheusRule": {"enabled": True, **of_monitors},
        "grafanaDashboard": {"enabled": True, "sidecarLabelValue": place},
        "audit": {"file": f"/{place}"},
        "extraArgs": [place],
        "image": {"tag": place},
        "tenants": {"enabled": True, "list": [{"namespaces": [place], "subnets": [place]}]},
    }


def _names(place: str) -> dict[str, Any]:
    """This text in each value that names an object."""
    return {
        "nameOverride": place,
        "fullnameOverride": place,
        "priorityClassName": place,
        "serviceAccount": {"name": place},
        "watchNamespaces": [place],
    }


def _replaced(node: Any, text: str) -> Any:
    """The same with this text where the place stands, and without what is a digest of it."""
    if isinstance(node, dict):
        found = {name: _replaced(value, text) for name, value in node.items()}
        return {name: value for name, value in found.items() if name != "hyperpod-operator.dev/tenants"}
    if isinstance(node, list):
        return [_replaced(value, text) for value in node]
    return node.replace(PLACE, text) if isinstance(node, str) else node


@pytest.mark.parametrize(
    "text", ["123", "null", "a: b", "x #y", "it's", '"q', "two\nlines: x", "- x", "&a", "@x", "%x"]
)
def test_a_text_arrives_as_it_was_given(helm: Helm, text: str) -> None:
    """A render with another text differs in that text alone: none of it is read as YAML."""
    plain, given = (documents(helm.render(values={**EVERYTHING, **_texts(one)})) for one in (PLACE, text))
    # The list of tenants is YAML in a text.
    for objects in (plain, given):
        for found in objects:
            if found["metadata"]["name"] == "hyperpod-operator-tenants":
                found["data"] = {name: documents(value) for name, value in found["data"].items()}
    assert _replaced(given, text) == _replaced(plain, text)


@pytest.mark.parametrize("text", ["true", "null", "on", "e1"])
def test_a_name_stays_a_name(helm: Helm, text: str) -> None:
    """Namespaces and objects may have names that YAML reads as something else."""
    plain, given = (helm.objects(release=one, namespace=one, values=_names(one)) for one in (PLACE, text))
    assert _replaced(given, text) == _replaced(plain, text)


def test_a_release_and_its_namespace_may_be_named_by_a_number(helm: Helm) -> None:
    plain, given = (
        helm.objects(release=one, namespace=one, values={"fullnameOverride": "it"}) for one in (PLACE, "123")
    )
    assert _replaced(given, "123") == _replaced(plain, "123")


PRICES = {"currency": "USD", "regions": {"us-west-2": {"ml.p5.48xlarge": 55.04}}}
TENANT = {"namespaces": ["team-a"], "regions": ["*"]}
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"image": {"repository": ""}}, r"image\.repository is not set"),
    ({"leaderElection": {"enabled": False}}, r"Set leaderElection\.enabled=true or replicaCount=1"),
    ({"serviceAccount": {"create": False}}, r"Set serviceAccount\.name"),
    ({"serviceAccount": {"create": False, "name": "default"}}, r"Set serviceAccount\.name"),
    ({"tenants": {"list": [TENANT]}}, r"Set tenants\.enabled=true"),
    ({"tenants": {"enabled": True, "list": [TENANT], "trustEveryNamespace": True}}, r"exclude each other"),
    ({"cost": {"enabled": False, "prices": PRICES}}, r"Set cost\.enabled=true"),
    ({"rbac": {"aggregateToAdmin": True}}, r"tenants\.trustEveryNamespace=true"),
    ({"rbac": {"aggregateToEdit": True}}, r"tenants\.trustEveryNamespace=true"),
    ({"leaderElection": {"leaseDurationSeconds": 10}}, r"leaseDurationSeconds \(10\) must be above .*DeadlineSeconds"),
    ({"metrics": {"port": 8081}}, r"metrics\.port and healthProbe\.port are both 8081"),
    ({"commonLabels": {"app.kubernetes.io/name": "ours"}}, r"Remove it from commonLabels; nameOverride"),
    ({"podLabels": {"app.kubernetes.io/instance": "ours"}}, r"Remove it from podLabels"),
    ({"commonLabels": {"helm.sh/chart": "ours"}}, r"Remove it from commonLabels"),
    ({"leaderElection": {"retryPeriodSeconds": 9}}, r"renewDeadlineSeconds \(10\) must be above 1\.2 times"),
    ({"image": {"repository": "localhost:5000/it:0.1.0"}}, r"Set image\.tag or image\.digest to that part"),
    ({"image": {"repository": "it@sha256:0"}}, r"Set image\.tag or image\.digest to that part"),
    ({"commonLabels": {"a": "x"}, "podLabels": {"a": "y"}}, r"Remove it from podLabels"),
    ({"commonLabels": {"a": "x"}, "podMonitor": {"additionalLabels": {"a": "y"}}}, r"podMonitor\.additionalLabels"),
    ({"serviceMonitor": {"additionalLabels": {"helm.sh/chart": "x"}}}, r"Remove it from serviceMonitor\.additional"),
    ({"prometheusRule": {"additionalLabels": {"helm.sh/chart": "x"}}}, r"Remove it from prometheusRule\.additional"),
    ({"grafanaDashboard": {"sidecarLabel": "helm.sh/chart"}}, r"Remove it from grafanaDashboard\.sidecarLabel"),
    ({"podAnnotations": {"hyperpod-operator.dev/tenants": "x"}}, r"Remove it from podAnnotations"),
    ({"crds": {"annotations": {"helm.sh/resource-policy": "x"}}}, r"crds\.keep sets it"),
    ({"extraEnv": [{"name": "HOME", "value": "/x"}]}, r"set AWS_CONFIG_FILE"),
    ({"extraEnv": [{"name": "A"}, {"name": "A"}]}, r"extraEnv has A twice"),
    ({"extraVolumes": [{"name": "tmp"}]}, r"Give it another name"),
    ({"extraVolumes": [{"name": "a"}, {"name": "a"}]}, r"Give it another name"),
    ({"extraVolumeMounts": [{"name": "tmp", "mountPath": "/tmp/"}]}, r"Choose another mountPath"),
    ({"extraVolumeMounts": [{"name": "tmp", "mountPath": path} for path in ("/a", "/a")]}, r"another mountPath"),
    ({"extraVolumeMounts": [{"name": "a", "mountPath": "/a"}]}, r"Add it to extraVolumes"),
    ({"extraArgs": ["--no-leader-election"]}, r"the chart passes --leader-election"),
    ({"extraArgs": ["--lease-name", "other"]}, r"the chart passes --lease-name=hyperpod-operator"),
]


@pytest.mark.parametrize(("values", "words"), REFUSED, ids=lambda value: json.dumps(value))
def test_values_that_contradict_each_other_are_refused_with_the_way_out(
    helm: Helm, values: dict[str, Any], words: str
) -> None:
    with pytest.raises(HelmError, match=words):
        helm.render(values=values)


@pytest.mark.parametrize(
    "tenants",
    [{"enabled": True, "list": [TENANT]}, {"enabled": True, "list": []}, {"trustEveryNamespace": True}],
    ids=["a list", "nobody", "everybody"],
)
def test_tenants_may_write_our_resources_when_the_values_say_what_they_may_name(
    helm: Helm, tenants: dict[str, Any]
) -> None:
    rendered = helm.render(values={"rbac": {"aggregateToAdmin": True}, "tenants": tenants})
    assert 'rbac.authorization.k8s.io/aggregate-to-admin: "true"' in rendered


def test_by_default_nobody_but_an_administrator_writes_our_resources(helm: Helm) -> None:
    writers = [
        role
        for role in helm.objects()
        if role["kind"] == "ClusterRole"
        and any("aggregate-to" in label for label in role["metadata"]["labels"])
        and any({"create", "update", "patch", "delete"} & set(rule["verbs"]) for rule in role["rules"])
    ]
    assert writers == []


def test_without_an_image_the_chart_says_where_it_comes_from(tmp_path: Path) -> None:
    with pytest.raises(HelmError, match=r"build the image from the Dockerfile"):
        Helm(home=tmp_path, image=None).render()


@pytest.mark.parametrize(
    "times", [(15, 10, 2), (10, 10, 2), (10.5, 10, 2), (15, 2.4, 2), (15, 2.5, 2), (3, 2, 1), (15, 10, 9)]
)
def test_the_chart_takes_the_times_of_a_lease_that_the_operator_takes(
    helm: Helm, times: tuple[float, float, float]
) -> None:
    duration, deadline, period = times
    wrong = LeaseSettings(duration=duration, renew_deadline=deadline, retry_period=period).problem()
    names = ("leaseDurationSeconds", "renewDeadlineSeconds", "retryPeriodSeconds")
    values = {"leaderElection": dict(zip(names, times, strict=True))}
    with pytest.raises(HelmError, match="leaderElection") if wrong else nullcontext():
        helm.render(values=values)


def test_a_digest_wins_over_a_tag(helm: Helm) -> None:
    digest = "sha256:" + "0" * 64
    rendered = helm.render(values={"image": {"repository": "example.com/it", "tag": "1", "digest": digest}})
    assert f'image: "example.com/it@{digest}"' in rendered
    assert "example.com/it:1" not in rendered


def test_runbooks_are_linked_where_the_installation_says(helm: Helm) -> None:
    rendered = helm.render(values={"prometheusRule": {"enabled": True, "runbookUrl": "https://example.com/page"}})
    assert "runbook_url: https://example.com/page#hyperpodoperatordown" in rendered
    assert "RUNBOOKS.md#" not in rendered
    assert "{{ $labels.operation }}" in rendered, "Prometheus' own templates are left to Prometheus"


def test_an_older_kubernetes_is_refused(helm: Helm) -> None:
    with pytest.raises(HelmError, match=r"1\.29"):
        helm("template", "x", CHART, "--kube-version=1.29.9", "--set=image.repository=x")


@pytest.mark.parametrize(
    ("served", "version"), [((), "v1beta1"), (("--api-versions", f"{ADMISSION}/v1/MutatingAdmissionPolicy"), "v1")]
)
def test_mutating_policies_have_the_stable_api_where_it_is_served(
    helm: Helm, served: tuple[str, ...], version: str
) -> None:
    switches = ("--set=admission.prefix.enabled=true", "--set=admission.approvals.recordUser=true")
    rendered = helm("template", "x", CHART, "--kube-version=1.37", "--set=image.repository=x", *switches, *served)
    found = [one for one in documents(rendered) if one["kind"].startswith("Mutating")]
    assert {one["kind"] for one in found} == {"MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding"}
    assert {one["apiVersion"] for one in found} == {f"{ADMISSION}/{version}"}


def test_deny_is_about_pods_and_turns_no_warning_about_an_edit_into_a_refusal(helm: Helm) -> None:
    """With Deny nobody could remove a group from a HyperPodCluster any more."""

    def actions(values: dict[str, Any]) -> dict[str, str]:
        bindings = (one for one in helm.objects(values=values) if one["kind"] == "ValidatingAdmissionPolicyBinding")
        return {one["metadata"]["name"]: one["spec"]["validationActions"][0] for one in bindings}

    warns, denies = actions({}), actions({"admission": {"pods": {"action": "Deny"}}})
    changed = {name.partition("operator-")[2] for name in warns if warns[name] != denies[name]}
    assert changed == {"pods", "pod-templates", "cron-jobs"}
    assert "Warn" in denies.values()


def test_the_version_of_eks_is_accepted(helm: Helm) -> None:
    helm("template", "x", CHART, "--kube-version=v1.34.2-eks-3025e55", "--set=image.repository=x")
