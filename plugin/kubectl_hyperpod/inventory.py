"""The Nodes of a HyperPod cluster, and the three names that a person may use for one."""

from dataclasses import dataclass

from hyperpod_operator.api.names import COMPUTE_TYPE, INSTANCE_GROUP_NAME
from hyperpod_operator.core.explain.world import Json, inside, items, text
from hyperpod_operator.core.health.node import identity
from kubectl_hyperpod.cluster.api import Object
from kubectl_hyperpod.errors import CommandError
from kubectl_hyperpod.resources import CLUSTER, NODES
from kubectl_hyperpod.session import NotInstalledError, Session, metadata


@dataclass(frozen=True, slots=True, kw_only=True)
class HyperPodNode:
    """A Node of the cluster; `logical_id` where a status of ours knows it."""

    name: str
    cluster_id: str
    instance_id: str
    group: str
    logical_id: str = ""
    node: Json

    @property
    def ssm_target(self) -> str:
        """As `aws ssm start-session --target` takes it (HyperPod's guide, "Access your nodes")."""
        return f"sagemaker-cluster:{self.cluster_id}_{self.group}-{self.instance_id}"


def nodes_of(session: Session, cluster_id: str = "") -> list[HyperPodNode]:
    """Nodes that HyperPod brought, of one cluster or of all, by group and name; none that claims another's instance."""
    found = []
    for node in session.api.list(NODES, labels=f"{COMPUTE_TYPE}=hyperpod"):
        name = metadata(node, "name")
        found_in = identity(name=name, provider_id=text(inside(node, "spec", "providerID")))
        if found_in is None or (cluster_id and found_in[0] != cluster_id):
            continue
        labels = inside(node, "metadata", "labels") or {}
        found.append(
            HyperPodNode(
                name=name,
                cluster_id=found_in[0],
                instance_id=found_in[1],
                group=text(labels.get(INSTANCE_GROUP_NAME)),
                node=node,
            )
        )
    return sorted(found, key=lambda one: (one.group, one.name))


def cluster_id(cluster: Json) -> str:
    """The last segment of the cluster's ARN; empty before AWS has it."""
    return text(inside(cluster, "status", "clusterArn")).rpartition("/")[2]


def one_node(session: Session, said: str, *, of: str = "") -> HyperPodNode:
    """The Node of a node name, instance id or logical id. Raises CommandError when none fits."""
    nodes = nodes_of(session, of)
    by_logical, unread = _logical_ids(session) if not said.startswith(("i-", "hyperpod-")) else ({}, "")
    instance = by_logical.get(said, said)
    fit = [one for one in nodes if said == one.name or instance == one.instance_id]
    if not fit:
        some = ", ".join(one.name for one in nodes[:5])
        there = f"There are: {some}{', …' if len(nodes) > 5 else ''}." if nodes else "There are no HyperPod Nodes."
        why = f" Logical ids are not known: {unread}" if unread else ""
        raise CommandError(f"No HyperPod Node is named {said!r}, by node name, instance id or logical id. {there}{why}")
    return fit[0]


def _logical_ids(session: Session) -> tuple[dict[str, str], str]:
    """Instance ids by logical id, as far as claims of the namespace know them, and why these cannot be read."""
    from kubectl_hyperpod.resources import CLAIM

    try:
        claims = session.list(CLAIM)
    except NotInstalledError:
        return {}, ""
    except CommandError as error:
        return {}, error.message
    places = [inside(one, "status", "attachment") for one in claims]
    return {
        text(inside(one, "nodeLogicalId")): text(inside(one, "instanceId"))
        for one in places
        if text(inside(one, "nodeLogicalId"))
    }, ""


def is_attached(claim: Json) -> bool:
    """Whether the volume of a claim is on its node, or on the way: status names the node also after it left."""
    return text(inside(claim, "status", "attachment", "state")) not in {"", "detached"}


def schedulable(node: Json) -> bool:
    """Whether the scheduler may place an ordinary pod: no cordon, and no taint of ours or HyperPod's."""
    taints = [text(one.get("effect")) for one in items(node, "spec", "taints")]
    return not inside(node, "spec", "unschedulable") and not {"NoSchedule", "NoExecute"} & set(taints)


def kubelet_ready(node: Json) -> str:
    """Ready, NotReady or Unknown."""
    for one in items(node, "status", "conditions"):
        if text(one.get("type")) == "Ready":
            return {"True": "Ready", "False": "NotReady"}.get(text(one.get("status")), "Unknown")
    return "Unknown"


def clusters(session: Session) -> list[Object]:
    return session.list(CLUSTER)
