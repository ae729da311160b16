"""Effects of calls, from harmless to final."""

from hypothesis import given
from hypothesis import strategies as st

from hyperpod_operator.core.engine.call import Effect, worst


@given(st.lists(st.sampled_from(Effect), min_size=1))
def test_a_call_is_as_destructive_as_its_worst_part(effects: list[Effect]) -> None:
    assert worst(tuple(effects)) is max(effects, key=[*["Adds", "Changes", "Disrupts", "Destroys"]].index)
