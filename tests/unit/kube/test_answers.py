"""What is said of an answer of the API server that is no success."""

import json

import pytest

from hyperpod_operator.core.ports import KubernetesError
from hyperpod_operator.kube.answers import refusal


@pytest.mark.parametrize(
    ("status", "words", "advice"),
    [
        (500, "etcdserver: request is too large", "etcd takes objects of up to 1.5 MiB."),
        (500, "etcdserver: no leader", "The API server had a fault of its own"),
        (422, "spec.x: Invalid value", "CustomResourceDefinitions have the operator's version"),
        (418, "no coffee", "See the API server's explanation."),
        (
            422,
            "nodes \"a\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no",
            "no lack of rights",
        ),
        (400, 'admission webhook "w.example.com" denied the request: no', "no lack of rights"),
    ],
)
def test_the_words_of_the_server_come_with_advice(status: int, words: str, advice: str) -> None:
    content = json.dumps({"kind": "Status", "message": words}).encode()
    said = str(refusal("PATCH x", status=status, content=content))
    assert f"PATCH x: HTTP {status}: {words}." in said
    assert advice in said


@pytest.mark.parametrize(
    ("words", "causes", "advice"),
    [
        ('pods is forbidden: User "system:serviceaccount:a:b" cannot list resource "pods"', [], "Grant this to"),
        ('persistentvolumeclaims "data" is forbidden: exceeded quota: storage', [], "no lack of rights"),
        ('admission webhook "validate.example.com" denied the request: no', [], "no lack of rights"),
        (
            'events "x" is forbidden: unable to create new content in namespace a because it is being terminated',
            [{"reason": "NamespaceTerminating", "field": "metadata.namespace"}],
            "The namespace is being deleted",
        ),
    ],
)
def test_a_refusal_is_no_lack_of_rights_unless_the_server_says_so(
    words: str, causes: list[dict[str, str]], advice: str
) -> None:
    details = {"name": "x", "kind": "things", "causes": causes}
    content = json.dumps({"kind": "Status", "message": words, "reason": "Forbidden", "details": details}).encode()
    error = refusal("POST x", status=403, content=content)
    assert isinstance(error, KubernetesError)
    assert advice in str(error)
    assert ("Grant this to" in str(error)) is (advice == "Grant this to")
    assert error.namespace_ends is bool(causes)
