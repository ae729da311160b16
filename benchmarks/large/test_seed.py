"""Copies of a stored Node: what differs, and that lengths stay, for they are stored beside the texts."""

import random
import re

import pytest

from benchmarks.large.run import clusters, updates_per_second
from benchmarks.large.seed import Stored

ONE, OTHER = "i-0123456789abcdef0", "i-fedcba98765432100"
UID = "3f2c8f0e-8f4e-4b52-9d0a-0c8f6a1b2c3d"
OTHER_UID = "00000000-0000-4000-8000-000000000001"
VALUE = f"k8s hyperpod-{ONE} {UID} aws:///z/{ONE} img@sha256:{'a' * 64} img@sha256:{'b' * 64}".encode()
STORED = Stored(value=VALUE, instance_id=ONE, uid=UID)


def test_a_copy_is_as_long_and_is_all_of_the_other_instance() -> None:
    made = STORED.copy(OTHER, uid=OTHER_UID, chance=random.Random(1))
    assert len(made) == len(VALUE)
    assert made.startswith(f"k8s hyperpod-{OTHER} {OTHER_UID} aws:///z/{OTHER} img@sha256:".encode())


def test_copies_have_images_of_their_own() -> None:
    made = [STORED.copy(OTHER, uid=OTHER_UID, chance=random.Random(seed)) for seed in (1, 2)]
    digests = [re.findall(rb"sha256:([0-9a-f]{64})", one) for one in (VALUE, *made)]
    assert len({digest for found in digests for digest in found}) == 6


@pytest.mark.parametrize("given", [{"instance_id": "i-01234567"}, {"uid": "short"}])
def test_another_length_is_refused(given: dict[str, str]) -> None:
    wanted = {"instance_id": OTHER, "uid": OTHER_UID} | given
    with pytest.raises(ValueError, match="not as long as"):
        STORED.copy(wanted["instance_id"], uid=wanted["uid"], chance=random.Random(1))


@pytest.mark.parametrize(("nodes", "count"), [(200, 1), (5_000, 1), (5_001, 2), (100_000, 20)])
def test_a_fleet_has_as_many_clusters_as_it_needs(*, nodes: int, count: int) -> None:
    assert clusters(nodes) == count


@pytest.mark.parametrize(("nodes", "rate"), [(3_000, 10.0), (100_000, 60.0)])
def test_kubelets_send_one_update_in_five_minutes_as_far_as_the_machine_goes(*, nodes: int, rate: float) -> None:
    assert updates_per_second(nodes) == rate
