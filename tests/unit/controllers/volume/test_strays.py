"""Labels of volumes on Nodes that do not hold them."""

import pytest
from tests.unit.controllers.volume.rig import KEY, VolumeRig
from tests.unit.controllers.volume.scenes import new, published

from hyperpod_operator.api.names import LABEL_VOLUME_FORMER_PREFIX, LABEL_VOLUME_PREFIX
from hyperpod_operator.controllers.volume.strays import StrayLabels


@pytest.fixture
async def settled(rig: VolumeRig) -> VolumeRig:
    """A claim whose volume is attached and published."""
    rig.apply(published())
    await rig.rest()
    return rig


def label(rig: VolumeRig) -> str:
    return LABEL_VOLUME_PREFIX + rig.uid.replace("-", "")


async def test_the_label_of_the_node_that_holds_the_volume_stays(settled: VolumeRig) -> None:
    before = settled.labelled
    await settled.strays.sweep()
    assert (settled.woken, settled.labelled) == ([], before)


async def test_a_stray_label_on_a_node_of_another_kind_is_taken_off_by_the_claim(settled: VolumeRig) -> None:
    settled.labels.others["plain"] = {label(settled): "attached"}
    await settled.strays.sweep()
    assert settled.woken == [KEY]
    await settled.rest()
    assert settled.labels.others["plain"] == {}
    assert len(settled.labelled) == 1


@pytest.mark.parametrize("former", ["of the claim", "of nobody"])
async def test_labels_of_the_former_prefix_go(settled: VolumeRig, former: str) -> None:
    short = settled.uid.replace("-", "") if former == "of the claim" else "0" * 32
    holder = settled.labelled[0]
    settled.nodes.labels[holder][LABEL_VOLUME_FORMER_PREFIX + short] = "attached"
    await settled.strays.sweep()
    assert LABEL_VOLUME_FORMER_PREFIX + short not in settled.nodes.every_label(holder)
    assert settled.labelled == [holder]


async def test_the_label_of_no_claim_goes(settled: VolumeRig) -> None:
    settled.labels.others["plain"] = {f"{LABEL_VOLUME_PREFIX}{'0' * 32}": "attached", "mine": "x"}
    await settled.strays.sweep()
    assert settled.labels.others["plain"] == {"mine": "x"}
    assert (settled.recorder.audited[-1].call, settled.recorder.audited[-1].target) == ("UnlabelNode", "Node plain")


async def test_an_installation_of_some_namespaces_leaves_the_labels_of_others_claims(settled: VolumeRig) -> None:
    theirs = {f"{LABEL_VOLUME_PREFIX}{'0' * 32}": "attached"}
    settled.labels.others["plain"] = dict(theirs)
    some = StrayLabels(
        claims=settled.claims,
        labels=settled.labels,
        wake=settled.woken.append,
        audit=settled.recorder,
        namespaces=[KEY.namespace],
    )
    await some.sweep()
    assert settled.labels.others["plain"] == theirs


async def test_the_label_of_a_claim_that_publishes_nothing_goes(rig: VolumeRig) -> None:
    rig.apply(new())
    await rig.rest()
    rig.labels.others["plain"] = {label(rig): "attached"}
    await rig.strays.sweep()
    assert rig.labels.others["plain"] == {}


async def test_a_claim_whose_spec_cannot_be_read_keeps_its_label(settled: VolumeRig) -> None:
    before = settled.labelled
    settled.claims._bodies[KEY]["spec"] = {"unknown": True}
    await settled.strays.sweep()
    assert settled.labelled == before
