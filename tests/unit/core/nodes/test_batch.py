"""How the answers of calls that name nodes are read."""

import botocore.session
import pytest

from hyperpod_operator.core.nodes.batch import (
    BATCH,
    CODES,
    UNCERTAIN,
    NodeCall,
    NodeFailure,
    Treatment,
    answered,
    treatment,
)

MODEL = botocore.session.get_session().get_service_model("sagemaker")


def failure(name: str, code: str = "InvalidNodeStatus") -> NodeFailure:
    return NodeFailure(instance_id=name, code=code, message="no")


def test_each_node_that_was_asked_for_has_one_answer() -> None:
    answer = answered(asked=["a", "b", "c"], successful=["a"], failed=[failure("b")])
    assert (answer.successful, answer.failed, answer.unanswered) == ({"a"}, (failure("b"),), {"c"})


def test_a_node_in_both_lists_is_unanswered() -> None:
    answer = answered(asked=["a"], successful=["a"], failed=[failure("a")])
    assert (answer.successful, answer.failed, answer.unanswered) == (frozenset(), (), {"a"})


def test_nodes_that_nobody_asked_for_are_left_out() -> None:
    answer = answered(asked=["a"], successful=["a", "x"], failed=[failure("y")])
    assert (answer.successful, answer.failed, answer.unanswered) == ({"a"}, (), frozenset())


def test_an_empty_answer_leaves_every_node_open() -> None:
    assert answered(asked=["a", "b"], successful=[], failed=[]).unanswered == {"a", "b"}


def test_the_failure_of_a_node_is_found_by_its_id() -> None:
    answer = answered(asked=["a", "b"], successful=[], failed=[failure("a"), failure("b", "NodeIdInUse")])
    assert answer.failure("b") == failure("b", "NodeIdInUse")
    assert answer.failure("c") is None


def test_a_code_that_aws_adds_is_retried() -> None:
    assert treatment("SomethingNew") is Treatment.RETRY


def _codes(call: NodeCall) -> set[str]:
    members = MODEL.operation_model(call).output_shape.members
    failed = members["Failed"].member.members if "Failed" in members else {}
    return {code for name in ("Code", "ErrorCode") if name in failed for code in failed[name].enum}


@pytest.mark.parametrize("call", NodeCall)
def test_every_code_of_the_model_is_in_the_table(call: NodeCall) -> None:
    assert _codes(call) <= CODES.keys()


def test_the_table_has_no_code_that_the_model_does_not_know() -> None:
    assert CODES.keys() == {code for call in NodeCall for code in _codes(call)}
    assert CODES.keys() >= UNCERTAIN


@pytest.mark.parametrize("call", NodeCall)
def test_no_batch_is_larger_than_the_model_admits(call: NodeCall) -> None:
    shape = MODEL.operation_model(call).input_shape.members
    if call is NodeCall.HEALTH_CHECK:
        ids = shape["DeepHealthCheckConfigurations"].member.members["InstanceIds"]
    else:
        ids = shape["NodeIds"]
    assert BATCH[call] <= ids.metadata["max"]
