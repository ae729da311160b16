"""Nodes that others moved or deleted by name are recognised by the words of events, each by itself."""

import pytest
from tests.unit.core.builders import left, recorded, resource
from tests.unit.core.test_offsets import counts, deletion, offsets

from hyperpod_operator.core.cluster.node_calls import DELETE, MOVE, SIGNS, Sign, call_of

EACH = pytest.mark.parametrize("sign", SIGNS, ids=lambda sign: sign.words)


@EACH
def test_each_sign_of_a_call_explains_a_lower_count(sign: Sign) -> None:
    words = f"Instance i-1 in InstanceGroup gpu: {sign.words.upper()} x."
    made = left(resource(status=recorded()), counts(3), events=deletion("g3", words=words))
    assert offsets(made) == {"gpu": (-1, sign.operation)}


@EACH
def test_each_sign_is_of_a_documented_call_and_names_its_source(sign: Sign) -> None:
    assert sign.operation in {MOVE, DELETE}
    assert sign.source.split(":")[0] in {"DOC", "LIVE", "MODEL", "INF"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Instance i-1 is being terminated.",
        "Failed to provision EC2 Instance in Cluster c and InstanceGroup g",
        "1 node(s) lost orchestration-ready status. Current: 3/4",
        "Instance is being replaced.",
        "Instance i-1 is ShuttingDown.",
    ],
)
def test_other_events_name_no_call(text: str) -> None:
    assert call_of(text) == ""
