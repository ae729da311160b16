"""The nodes that the instances ask for, as of now; a view is made anew only when its instance changed."""

from hyperpod_testbed.simulator import node_objects
from hyperpod_testbed.simulator.core import Core
from hyperpod_testbed.simulator.node_objects import NodeView
from hyperpod_testbed.simulator.options import Options


class NodeViews:
    """Remembers the views of one account. Safe to use from several threads."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._version: tuple[int, int] | None = None
        self._made: dict[tuple[str, int], tuple[int, Options, NodeView]] = {}
        """By cluster id and serial of the instance: the revision and the options that a view was made from."""
        self._wanted: dict[str, NodeView] = {}

    def now(self) -> dict[str, NodeView]:
        """The views by name; the same object as long as nothing happened."""
        with self._core.present() as sim:
            if self._core.version == self._version:
                return self._wanted
            self._version = self._core.version
            made = {}
            for cluster in sim.account.clusters():
                for serial, instance in cluster.instances.items():
                    if instance.node_due or not (instance.joined and instance.instance_id and instance.registered):
                        continue
                    key = cluster.id, serial
                    old = self._made.get(key)
                    if old is None or old[0] != instance.revision or old[1] is not sim.options:
                        old = instance.revision, sim.options, node_objects.view(cluster, instance, sim.options)
                    made[key] = old
            self._made = made
            self._wanted = {view.name: view for _, _, view in made.values()}
            return self._wanted
