"""The merge-patch of a status."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperpod_operator.kube.status import conditional, merge_patch

JSON = st.recursive(
    st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=3),
    max_leaves=8,
)
STATUS = st.dictionaries(st.sampled_from("abcd"), JSON, max_size=4)


def apply(patch: Any, target: Any) -> Any:
    """RFC 7386, section 2, as pseudo-code there."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = apply(value, result.get(name))
    return result


def exactly(value: Any) -> str:
    """A form in which True and 1 differ, as they do in JSON."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{key}:{exactly(below)}" for key, below in sorted(value.items())) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(exactly, value)) + "]"
    return f"{type(value).__name__}:{value}"


@given(old=STATUS, new=STATUS)
def test_applying_the_patch_gives_the_new_status(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert exactly(apply(merge_patch(old, new), old)) == exactly(new)


@given(status=STATUS)
def test_nothing_is_written_when_nothing_changes(status: dict[str, Any]) -> None:
    assert merge_patch(status, status) == {}


@pytest.mark.parametrize(
    ("old", "new", "patch"),
    [
        ({"a": 1, "b": 2}, {"a": 1}, {"b": None}),
        ({"a": {"x": 1, "y": 2}}, {"a": {"x": 1}}, {"a": {"y": None}}),
        ({"list": [1, 2, 3]}, {"list": [1, 3]}, {"list": [1, 3]}),
        ({"a": 1}, {"a": None}, {"a": None}),
        ({}, {"a": None}, {}),
        ({}, {"a": {"b": None}}, {"a": {}}),
        ({"a": 1}, {"a": True}, {"a": True}),
        ({"a": [1]}, {"a": [True]}, {"a": [True]}),
        ({"a": "text"}, {"a": {"b": 1}}, {"a": {"b": 1}}),
    ],
)
def test_patches_are_the_smallest_that_do(old: dict[str, Any], new: dict[str, Any], patch: dict[str, Any]) -> None:
    assert exactly(merge_patch(old, new)) == exactly(patch)


def test_a_write_is_for_one_version_of_one_object() -> None:
    body = conditional({"phase": "Ready"}, uid="u", resource_version="7")
    assert body == {"metadata": {"uid": "u", "resourceVersion": "7"}, "status": {"phase": "Ready"}}
