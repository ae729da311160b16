"""What a look at a cluster is asked for over and over."""

from collections.abc import Iterator

from hyperpod_operator.controllers.volume.views import View
from hyperpod_operator.core.observed import ObservedNode


class Walked(tuple[ObservedNode, ...]):
    """Counts how often somebody walks over it."""

    times = 0

    def __iter__(self) -> Iterator[ObservedNode]:
        type(self).times += 1
        return super().__iter__()


def test_the_groups_of_all_nodes_take_one_walk() -> None:
    """A thousand Nodes that change together each ask for their group."""
    names = [f"i-{number:017x}" for number in range(100)]
    nodes = Walked(
        ObservedNode(instance_id=name, group=f"g{name[-1]}", instance_type="ml.p5.48xlarge", status="Running")
        for name in names
    )
    view = View(cluster=None, nodes=nodes, seen_at=0.0)
    assert [view.groups[name] for name in names] == [f"g{name[-1]}" for name in names]
    assert Walked.times == 1
