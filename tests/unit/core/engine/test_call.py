"""Effects of calls, from harmless to final."""

from hypothesis import given
from hypothesis import strategies as st

from hyperpod_operator.core.engine.call import Effect, PlannedCall, PlannedChange, worst


@given(st.lists(st.sampled_from(Effect), min_size=1))
def test_a_call_is_as_destructive_as_its_worst_part(effects: list[Effect]) -> None:
    assert worst(tuple(effects)) is max(effects, key=[*["Adds", "Changes", "Disrupts", "Destroys"]].index)


def test_the_nodes_of_a_call_are_those_of_all_its_groups_each_once() -> None:
    def change(path: str, count: int) -> PlannedChange:
        return PlannedChange(path=path, effect=Effect.DESTROYS, node_count=count)

    changes = (change("instanceGroups[a].instanceCount", 4), change("instanceGroups[b]", 8),
               change("instanceGroups[c].imageId", 2), change("instanceGroups[c].imageReleaseVersion", 2),
               change("tags[x.y]", 0))  # fmt: skip
    call = PlannedCall(operation="UpdateCluster", effect=Effect.DESTROYS, fingerprint="f", changes=changes)
    assert call.node_count == 14


def test_the_text_of_a_change_shows_what_differs() -> None:
    role = "arn:aws:iam::111122223333:role/service-role/AmazonSageMaker-ExecutionRole"
    said = str(PlannedChange(path="clusterRole", effect=Effect.CHANGES, observed=f"{role}-1", wanted=f"{role}-2"))
    before, after = said.removeprefix("clusterRole: ").split(" -> ")
    assert (before[-2:], after[-2:]) == ("-1", "-2")
