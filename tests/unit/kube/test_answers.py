"""What is said of an answer of the API server that is no success."""

import json

import pytest

from hyperpod_operator.kube.answers import refusal


@pytest.mark.parametrize(
    ("status", "words", "advice"),
    [
        (500, "etcdserver: request is too large", "etcd takes objects of up to 1.5 MiB."),
        (500, "etcdserver: no leader", "The API server had a fault of its own"),
        (422, "spec.x: Invalid value", "CustomResourceDefinitions have the operator's version"),
        (418, "no coffee", "See the API server's explanation."),
    ],
)
def test_the_words_of_the_server_come_with_advice(status: int, words: str, advice: str) -> None:
    content = json.dumps({"kind": "Status", "message": words}).encode()
    said = str(refusal("PATCH x", status=status, content=content))
    assert f"PATCH x: HTTP {status}: {words}." in said
    assert advice in said
