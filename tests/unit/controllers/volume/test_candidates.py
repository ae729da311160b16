"""Candidates are made once for all claims, and again as soon as SageMaker or Kubernetes says something else."""

from dataclasses import replace

import pytest
from tests.unit.controllers.volume.rig import KEY, VolumeRig
from tests.unit.controllers.volume.scenes import instances, new

from hyperpod_operator.controllers.volume.candidates import CORDONS, MOST_CLUSTERS, Candidates, Seen
from hyperpod_operator.controllers.volume.counts import Counts
from hyperpod_operator.controllers.volume.observe import where
from hyperpod_operator.controllers.volume.parse import parse
from hyperpod_operator.controllers.volume.views import View
from hyperpod_operator.core.health.node import Taint
from hyperpod_operator.core.volume.observed import Candidate

pytestmark = pytest.mark.slow


class Scene:
    """A claim in a cluster, and candidates that nobody asked for yet."""

    def __init__(self, rig: VolumeRig) -> None:
        self.rig, ports = rig, rig.controller._ports
        rig.apply(new())
        self.candidates = Candidates(ports=ports, counts=Counts(monotonic=rig.clock.monotonic))

    async def view(self) -> View:
        ports, claim = self.rig.controller._ports, parse(self.rig.claims._stored(KEY))
        at = await where(ports=ports, claim=claim)
        return await ports.views.get(region=at.region, name=at.cluster, age=0.0)

    async def seen(self, view: View | None = None) -> Seen:
        claim, cloud = parse(self.rig.claims._stored(KEY)), self.rig.volumes.volumes(region="")
        return await self.candidates.of(claim, cloud=cloud, view=view or await self.view(), region="")

    async def nodes(self) -> dict[str, Candidate]:
        return {node.instance_id: node for node in (await self.seen()).nodes}


@pytest.fixture
def scene(rig: VolumeRig) -> Scene:
    return Scene(rig)


async def test_they_are_kept_while_nothing_changed(scene: Scene) -> None:
    before, after = await scene.nodes(), await scene.nodes()
    assert set(before) == set(instances())
    assert all(after[one] is before[one] for one in before)


async def test_an_equal_answer_is_compared_once(scene: Scene) -> None:
    """Nodes are compared member by member where they are not the very same, and a cluster has thousands."""
    await scene.seen()
    again = await scene.view()
    await scene.seen(again)
    (held,) = scene.candidates._clusters.values()
    assert held.instances is again.nodes


async def test_one_is_made_again_when_its_node_changed(scene: Scene) -> None:
    first, second, *_ = instances()
    before = await scene.nodes()
    scene.rig.nodes.unready.add(f"hyperpod-{first}")
    after = await scene.nodes()
    assert (before[first].ready, after[first].ready) == (True, False)
    assert after[second] is before[second]


async def test_one_is_made_again_when_sagemaker_says_something_else(scene: Scene) -> None:
    before, view = await scene.nodes(), await scene.view()
    changed = replace(view, nodes=tuple(replace(node, status="Failure") for node in view.nodes))
    assert {node.status for node in (await scene.seen(changed)).nodes} == {"Failure"}
    assert {node.status for node in before.values()} == {"Running"}


async def test_an_instance_that_is_not_listed_any_more_is_none(scene: Scene) -> None:
    await scene.nodes()
    view = await scene.view()
    assert len((await scene.seen(replace(view, nodes=view.nodes[1:]))).nodes) == len(view.nodes) - 1


async def test_what_a_claim_asks_for_is_on_no_other_claims_candidates(scene: Scene) -> None:
    scene.rig.nodes.labels[f"hyperpod-{instances()[1]}"]["example.com/disk"] = "fast"
    plain = await scene.nodes()
    wanted = {"target": {"instanceGroupName": "workers", "nodeSelector": {"example.com/disk": "fast"}}}
    scene.rig.apply(new(attachment=wanted))
    chosen = [node.instance_id for node in (await scene.seen()).nodes if "example.com/disk" in node.labels]
    scene.rig.apply(new())
    after = await scene.nodes()
    assert chosen == [instances()[1]]
    assert all(after[one] is plain[one] for one in plain)


async def test_those_of_clusters_that_nobody_asks_about_are_forgotten(scene: Scene) -> None:
    view = await scene.view()
    assert view.cluster is not None
    for number in range(MOST_CLUSTERS + 5):
        other = replace(view.cluster, arn=f"{view.cluster.arn[:-3]}{number:03d}")
        await scene.seen(replace(view, cluster=other))
    assert len(scene.candidates._clusters) == MOST_CLUSTERS


@pytest.mark.parametrize(("key", "cordoned"), [*((key, True) for key in sorted(CORDONS)), ("nvidia.com/gpu", False)])
async def test_a_taint_of_a_cordon_or_of_an_autoscaler_counts_and_none_of_a_group(
    scene: Scene, key: str, *, cordoned: bool
) -> None:
    first, second, *_ = instances()
    scene.rig.nodes.taints[f"hyperpod-{first}"] = (Taint(key=key, value="", effect="NoSchedule"),)
    found = await scene.nodes()
    assert (found[first].cordoned, found[second].cordoned) == (cordoned, False)
