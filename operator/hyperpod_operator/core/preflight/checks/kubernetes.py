"""Checks of what HyperPod's Helm chart installs in the EKS cluster."""

from collections.abc import Iterator

from hyperpod_operator.core.health.instance_types import describe
from hyperpod_operator.core.preflight.facts import INSTALLED_IN, Workload
from hyperpod_operator.core.preflight.model import Area, Check, Finding, Unread, fails, passes, unknown, warns
from hyperpod_operator.core.preflight.subject import ClusterSubject
from hyperpod_operator.core.preflight.tables import pods, versions
from hyperpod_operator.core.text import counted

SOURCE = "DOC: SageMaker developer guide, sagemaker-hyperpod-eks-install-packages-using-helm-chart"
# [assumption: preflight-names-of-workloads]
_NAMESPACES = f"the namespaces {', '.join(INSTALLED_IN[:-1])} and {INSTALLED_IN[-1]}"
READ = ("kubernetes:list daemonsets",)
# [assumption: preflight-names-of-workloads]
AGENT = "health-monitoring-agent"
# [assumption: preflight-names-of-workloads]
NVIDIA, NEURON, EFA = "nvidia-device-plugin", "neuron-device-plugin", "efa-k8s-device-plugin"


def _workload(subject: ClusterSubject, part: str) -> Workload | None:
    """The workload whose name has this part: Helm puts the release's name in front."""
    known = subject.facts.workloads
    return None if isinstance(known, Unread) else next((one for one in known if part in one.name), None)


def health_agent(subject: ClusterSubject) -> Iterator[Finding]:
    if isinstance(subject.facts.workloads, Unread):
        yield unknown(subject.facts.workloads)
        return
    # Autoscaling needs it, and later than the creation: the published payload for Karpenter is taken without it.
    needed = any(group.spec.onStartDeepHealthChecks for group in subject.groups)
    found = _workload(subject, AGENT)
    if found is None:
        yield fails() if needed else warns()
    else:
        yield passes()


def health_agent_version(subject: ClusterSubject) -> Iterator[Finding]:
    if not subject.karpenter:
        return
    if isinstance(subject.facts.workloads, Unread):
        yield unknown(subject.facts.workloads)
        return
    found = _workload(subject, AGENT)
    if found is None:
        return
    if not versions.parts(found.tag):
        yield unknown(Unread(why="the image of the health monitoring agent has no tag that says its version"))
        return
    tag = found.tag.split("_")[0]
    needed = versions.HEALTH_AGENT_FOR_KARPENTER.split("_")[0]
    yield fails(version=tag) if versions.older(tag, needed) else passes()


def device_plugins(subject: ClusterSubject) -> Iterator[Finding]:
    if isinstance(subject.facts.workloads, Unread):
        yield unknown(subject.facts.workloads)
        return
    for group in subject.groups:
        for name in group.types:
            found = describe(name)
            if found is None or not found.accelerated:
                continue
            plugin = NEURON if found.family.startswith(("trn", "inf")) else NVIDIA
            alternative = plugin == NVIDIA and _workload(subject, "gpu-operator") is not None
            if _workload(subject, plugin) is None and not alternative:
                yield warns(group=group.name, plugin=plugin, type=name)
            else:
                yield passes(group=group.name)


def pods_fit(subject: ClusterSubject) -> Iterator[Finding]:
    found = subject.facts.workloads
    if isinstance(found, Unread):
        yield unknown(found)
        return
    types = subject.facts.types
    of_ec2 = {} if isinstance(types, Unread) else types
    running = sum(one.everywhere for one in found)
    for group in subject.groups:
        for name in group.types:
            fact = of_ec2.get(name.removeprefix("ml."))
            most = pods.pods(name, addresses_per_interface=fact.addresses_per_interface if fact else None)
            if most is None:
                continue
            if running >= most:
                own = counted(running, "DaemonSet")
                yield warns(group=group.name, type=name, most=counted(most, "pod"), own=own)
            else:
                yield passes(group=group.name)


CHECKS = (
    Check(
        name="HealthMonitoringAgent",
        area=Area.KUBERNETES,
        what="The health monitoring agent is installed",
        why="Without it no fault is found and no node is replaced; deep health checks and autoscaling need it.",
        source=SOURCE,
        judge=health_agent,
        reads=READ,
        fail=f"The namespace aws-hyperpod has no DaemonSet {AGENT}, which deep health checks need.",
        warn=f"The namespace aws-hyperpod has no DaemonSet {AGENT}: HyperPod repairs and autoscales no node.",
        remedy="Install HyperPod's Helm chart before the cluster (docs/install-eks.md).",
    ),
    Check(
        name="HealthMonitoringAgentVersion",
        area=Area.KUBERNETES,
        what="The health monitoring agent is new enough for autoscaling",
        why="Autoscaling needs a later version of the agent.",
        source="DOC: SageMaker developer guide, sagemaker-hyperpod-eks-autoscaling",
        judge=health_agent_version,
        reads=READ,
        fail=f"The health monitoring agent is {{version}}; autoscaling needs {versions.HEALTH_AGENT_FOR_KARPENTER}.",
        remedy="Upgrade HyperPod's Helm chart.",
    ),
    Check(
        name="DevicePlugins",
        area=Area.KUBERNETES,
        what="The device plugins for the accelerators are installed",
        why="Without its plugin a node offers no GPU or Neuron device, and pods that ask for one stay Pending.",
        source=SOURCE,
        judge=device_plugins,
        reads=READ,
        warn=f"{{type}} needs {{plugin}}, and {_NAMESPACES} have no DaemonSet of that name.",
        remedy="Install HyperPod's Helm chart, or NVIDIA's GPU operator. If it is in another namespace, ignore this.",
    ),
    Check(
        name="PodsFit",
        area=Area.KUBERNETES,
        what="The instance types take more pods than the DaemonSets that run on every node",
        why="An instance has one network interface, whose addresses bound its pods: a small type is full before your "
        "first pod.",
        source="DOC: SageMaker developer guide, sagemaker-hyperpod-eks-prerequisites, maximum number of pods",
        judge=pods_fit,
        reads=(*READ, "ec2:DescribeInstanceTypes"),
        warn=f"{{type}} takes {{most}}, and {_NAMESPACES} have {{own}} that run on every node.",
        remedy="Choose a larger instance type, or keep DaemonSets that the group does not need from its nodes.",
    ),
)
