"""The controls of node health: faults on chosen nodes, checks that fail, taints that HyperPod forgets.

Nodes are named by their Node object or their instance id. What they bring about goes its documented way: recovery if
the cluster has NodeRecovery Automatic, labels only if it has None.
"""

import re
from collections.abc import Iterator

from hyperpod_testbed.simulator import agent, instances
from hyperpod_testbed.simulator.core import Core
from hyperpod_testbed.simulator.node_objects import KUBELET_CONDITIONS, node_name
from hyperpod_testbed.simulator.simulation import Simulation
from hyperpod_testbed.simulator.state import JSON, Cluster, Instance, Recovery
from hyperpod_testbed.simulator.verbs import verb

_LABEL_VALUE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")
_RECOVERIES = (None, "reboot", "replace")

Place = tuple[Cluster, Instance]


class Health:
    """What the health monitoring agent and deep health checks will find."""

    def __init__(self, core: Core) -> None:
        self._core = core

    @verb
    def fail(
        self,
        *,
        node: str | None = None,
        nodes: list[str] | None = None,
        share: float | None = None,
        cluster: str | None = None,
        group: str | None = None,
        fault: str = "NvidiaGPUUnhealthy",
        reason: str = "XidHardwareFailure",
        message: str = "The health monitoring agent found a fault.",
        recovery: Recovery | None = "replace",
        taint: bool = True,
        persistent: bool = False,
    ) -> list[str]:
        """The health agent finds a fault on one node, on a list of nodes, or on a share of the healthy ones.

        `share` is of the nodes that the agent covers, in one cluster or group if they are named. `recovery` is the
        remedy that the agent asks for. Without `taint` HyperPod does not set its taint. A `persistent` fault is found
        again after a reboot, and then asks for a replacement. Returns the names of the Nodes.
        """
        _check(fault=fault, reason=reason, recovery=recovery)
        with self._core.change() as sim:
            chosen = _chosen(sim, node=node, nodes=nodes, share=share, cluster=cluster, group=group)
            for owner, instance in chosen:
                agent.find(
                    sim,
                    owner,
                    instance,
                    fault=fault,
                    reason=reason,
                    message=message,
                    wanted=recovery,
                    taint=taint,
                    persistent=persistent,
                )
            return [node_name(str(instance.instance_id)) for _, instance in chosen]

    @verb
    def recover(self, *, node: str | None = None, nodes: list[str] | None = None) -> None:
        """The faults of nodes are over without a repair; one that is under way is not stopped."""
        with self._core.change() as sim:
            for cluster, instance in _named(sim, _names(node, nodes)):
                if instance.status in {"Running", "Failure"}:
                    instance.turn += 1
                    instances.run(sim, cluster, instance)

    @verb
    def fail_check(
        self,
        *,
        node: str | None = None,
        cluster: str | None = None,
        group: str | None = None,
        nodes: int = 1,
        recovery: Recovery = "replace",
    ) -> None:
        """The next deep health check of a node, or the next ones of this many nodes of a group, end with Failed."""
        if recovery not in {"reboot", "replace"}:
            raise ValueError(f"recovery {recovery!r} of a failed check must be 'reboot' or 'replace'")
        with self._core.change() as sim:
            if node is not None:
                for _, instance in _named(sim, [node]):
                    instance.check_fails = recovery
            elif cluster is None or group is None:
                raise ValueError("name a node, or a cluster and a group")
            else:
                sim.conditions.check_failures[cluster, group] = [recovery] * nodes

    @verb
    def forget_taints(self, cluster: str, group: str) -> None:
        """HyperPod marks unhealthy nodes of the group with labels, but not with its taint, from now on."""
        with self._core.change() as sim:
            sim.conditions.missing_taints.add((cluster, group))

    @verb
    def remember_taints(self, cluster: str, group: str) -> None:
        """HyperPod sets its taint again, on nodes that become unhealthy from now on."""
        with self._core.change() as sim:
            sim.conditions.missing_taints.discard((cluster, group))

    @verb
    def report(self, cluster: str | None = None) -> dict[str, JSON]:
        """What is true of each instance that has joined, by the name of its Node."""
        with self._core.present() as sim:
            return {
                node_name(str(one.instance_id)): {
                    "cluster": owner.name,
                    "group": one.group,
                    "status": one.status,
                    "health": one.health,
                    "checks": one.checks,
                    "tainted": one.tainted,
                    "recovery": one.recovery,
                    "registered": one.registered,
                    "faults": [fault.type for fault in one.faults if fault.active],
                }
                for owner, one in _joined(sim)
                if cluster in {None, owner.name}
            }


def _check(*, fault: str, reason: str, recovery: Recovery | None) -> None:
    if recovery not in _RECOVERIES:
        raise ValueError(f"recovery {recovery!r} must be 'reboot', 'replace' or None")
    for word, value in (("fault", fault), ("reason", reason)):
        if not _LABEL_VALUE.fullmatch(value):
            raise ValueError(f"{word} {value!r} must be fit for a label: 1 to 63 letters, digits, '-', '_' or '.'")
    if fault in KUBELET_CONDITIONS:
        raise ValueError(f"fault {fault!r} is a condition of the kubelet; take another type")


def _chosen(
    sim: Simulation,
    *,
    node: str | None,
    nodes: list[str] | None,
    share: float | None,
    cluster: str | None,
    group: str | None,
) -> list[Place]:
    if share is None:
        found = _named(sim, _names(node, nodes))
        for _, one in found:
            if not agent.covers(one):
                raise ValueError(
                    f"no health agent runs on {one.instance_id} ({one.type}, {one.status}): it has no accelerators, "
                    "has not joined or is leaving. world.fail_node fails any instance"
                )
        return found
    if node is not None or nodes is not None:
        raise ValueError("name nodes, or give a share of them, not both")
    if not 0 <= share <= 1:
        raise ValueError(f"share {share} must be between 0 and 1")
    healthy = [
        (owner, one)
        for owner, one in _joined(sim)
        if cluster in {None, owner.name} and group in {None, one.group} and agent.covers(one) and not one.unhealthy
    ]
    return sim.names.sample(healthy, round(share * len(healthy)))


def _names(node: str | None, nodes: list[str] | None) -> list[str]:
    if (node is None) == (nodes is None):
        raise ValueError("name one node, or a list of nodes")
    return [node] if node is not None else list(nodes or ())


def _named(sim: Simulation, names: list[str]) -> list[Place]:
    found = []
    for name in names:
        place = sim.account.place(name.removeprefix("hyperpod-"))
        if place is None:
            raise ValueError(f"no instance {name.removeprefix('hyperpod-')}; health.report lists the nodes")
        found.append(place)
    return found


def _joined(sim: Simulation) -> Iterator[Place]:
    for owner in sim.account.clusters():
        for one in owner.instances.values():
            if one.joined and one.instance_id:
                yield owner, one
