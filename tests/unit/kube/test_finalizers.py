"""The JSON-patches that add and remove our finalizer."""

from collections.abc import Callable

import pytest

from hyperpod_operator.core.ports import StoredObject
from hyperpod_operator.kube import finalizers

Make = Callable[..., StoredObject]
OURS = "hyperpod-operator.dev/hyperpodcluster"


def test_adding_keeps_the_finalizers_of_others(make_stored: Make) -> None:
    operations = finalizers.adding(make_stored(finalizers=("other/one",)), OURS)
    assert operations[-1]["value"] == ["other/one", OURS]


def test_removing_keeps_the_finalizers_of_others_in_their_order(make_stored: Make) -> None:
    operations = finalizers.removing(make_stored(finalizers=("other/one", OURS, "other/two")), OURS)
    assert operations[-1]["value"] == ["other/one", "other/two"]


@pytest.mark.parametrize("made", [finalizers.adding, finalizers.removing])
def test_every_write_tests_uid_and_version_first(
    make_stored: Make, made: Callable[[StoredObject, str], list[dict[str, object]]]
) -> None:
    present = (OURS,) if made is finalizers.removing else ()
    uid, version, write = made(make_stored(finalizers=present), OURS)
    assert uid == {"op": "test", "path": "/metadata/uid", "value": "uid-blue"}
    assert version == {"op": "test", "path": "/metadata/resourceVersion", "value": "7"}
    assert write["path"] == "/metadata/finalizers"


def test_nothing_is_written_when_it_is_there_already(make_stored: Make) -> None:
    assert finalizers.adding(make_stored(finalizers=(OURS,)), OURS) == []


def test_nothing_is_written_when_it_is_absent_already(make_stored: Make) -> None:
    assert finalizers.removing(make_stored(finalizers=("other/one",)), OURS) == []
