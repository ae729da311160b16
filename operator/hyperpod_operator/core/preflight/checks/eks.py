"""Checks of the EKS cluster and its add-ons."""

import re
from collections.abc import Iterator

from hyperpod_operator.core.preflight.facts import EksCluster
from hyperpod_operator.core.preflight.model import Area, Check, Finding, Unread, fails, passes, unheard, unknown, warns
from hyperpod_operator.core.preflight.subject import ClusterSubject
from hyperpod_operator.core.preflight.tables import versions

SOURCE = "DOC: SageMaker developer guide, sagemaker-hyperpod-eks-prerequisites"
DESCRIBE = "eks:DescribeCluster"
# [assumption: enums-grow]
NOT_ACTIVE = frozenset({"CREATING", "DELETING", "FAILED", "PENDING"})
"""Statuses of an EKS cluster whose API is not served (API model, ClusterStatus)."""
# [assumption: enums-grow]
ADDON_WORKS = frozenset({"ACTIVE", "UPDATING", "CREATING"})
# [assumption: enums-grow]
ADDON_FAILS = frozenset({"CREATE_FAILED", "DELETING", "DELETE_FAILED", "DEGRADED", "UPDATE_FAILED"})
# [assumption: preflight-names-of-workloads]
VPC_CNI, VPC_CNI_DAEMONSET = "vpc-cni", "aws-node"
# [assumption: preflight-names-of-workloads]
OTHER_CNIS = ("cilium", "calico", "weave-net", "flannel", "antrea", "canal", "kube-router")
"""Names of CNI plugins in the workloads and add-ons that install them."""
# [assumption: preflight-names-of-workloads]
_CNI_WORD = rf"(?<![a-z])(?:{'|'.join(OTHER_CNIS)})(?![a-z])"
# [assumption: preflight-names-of-workloads]
_CNI = re.compile(_CNI_WORD)
"""One of them as a word: `calico-node` is one, and `weave-scope-agent` or `canalyzer` is none."""


def _cluster(subject: ClusterSubject) -> EksCluster | None:
    found = subject.facts.eks
    return found if isinstance(found, EksCluster) else None


def exists(subject: ClusterSubject) -> Iterator[Finding]:
    found = subject.facts.eks
    if isinstance(found, Unread):
        yield unknown(found)
    elif found is None:
        yield fails(arn=subject.eks_arn)
    elif found.status == "ACTIVE":
        yield passes()
    elif found.status == "UPDATING":
        yield warns(arn=subject.eks_arn)  # its API is served meanwhile
    elif found.status in NOT_ACTIVE:
        yield fails(arn=f"{subject.eks_arn} ({found.status})")
    else:
        yield unknown(unheard("the status of the EKS cluster", found.status))


def version(subject: ClusterSubject) -> Iterator[Finding]:
    if isinstance(subject.facts.eks, Unread):
        yield unknown(subject.facts.eks)
    if (found := _cluster(subject)) is None:
        return
    if found.version in versions.KUBERNETES and not versions.older(found.version, versions.KUBERNETES_OLDEST):
        yield passes()
    elif versions.older(found.version, versions.KUBERNETES[0]):
        yield fails(version=found.version)
    else:
        yield warns(version=found.version, newest=versions.KUBERNETES[-1])


def authentication(subject: ClusterSubject) -> Iterator[Finding]:
    if isinstance(subject.facts.eks, Unread):
        yield unknown(subject.facts.eks)
    if (found := _cluster(subject)) is None or not found.authentication_mode:
        return
    if found.authentication_mode in versions.AUTHENTICATION_MODES:
        yield passes()
    elif found.authentication_mode in versions.OTHER_MODES:
        yield fails(mode=found.authentication_mode)
    else:
        yield unknown(unheard("the authentication mode", found.authentication_mode))


def vpc_cni(subject: ClusterSubject) -> Iterator[Finding]:
    addons, workloads = subject.facts.addons, subject.facts.workloads
    found = "" if isinstance(addons, Unread) else addons[VPC_CNI].version if VPC_CNI in addons else ""
    if not found and not isinstance(workloads, Unread):
        installed = [one for one in workloads if one.name == VPC_CNI_DAEMONSET]
        found = installed[0].tag if installed else ""
        if installed and not versions.parts(found):
            yield unknown(Unread(why="the image of the DaemonSet aws-node has no tag that says its version"))
            return
        if not found and not isinstance(addons, Unread):
            yield fails(found="is not installed")
            return
    if found and not versions.parts(found):
        yield unknown(unheard("the version of the VPC CNI", found))
    elif found:
        old = versions.older(found, versions.VPC_CNI)
        yield fails(found=f"is {found}") if old else passes()
    elif isinstance(addons, Unread):
        yield unknown(addons)
    else:
        yield unknown(Unread(why="the VPC CNI is no add-on of EKS, and the Kubernetes API was not read"))


def _has_vpc_cni(subject: ClusterSubject) -> bool:
    """Whether what was read shows the VPC CNI, as an add-on or as a DaemonSet."""
    addons, workloads = subject.facts.addons, subject.facts.workloads
    found = not isinstance(workloads, Unread) and any(one.name == VPC_CNI_DAEMONSET for one in workloads)
    return found or (not isinstance(addons, Unread) and VPC_CNI in addons)


def only_cni(subject: ClusterSubject) -> Iterator[Finding]:
    addons, workloads = subject.facts.addons, subject.facts.workloads
    names = [] if isinstance(addons, Unread) else list(addons)
    names += [] if isinstance(workloads, Unread) else [f"{one.namespace}/{one.name}" for one in workloads]
    others = sorted({name for name in names if _CNI.search(name.lower())})
    if others:
        # Beside the VPC CNI, Calico, Cilium and Antrea can enforce network policies alone.
        neither = not isinstance(addons, Unread) and not isinstance(workloads, Unread) and not _has_vpc_cni(subject)
        say = fails if neither else warns
        yield say(names=", ".join(others))
    elif isinstance(addons, Unread):
        yield unknown(addons)
    elif isinstance(workloads, Unread):
        yield unknown(workloads)  # most are installed as DaemonSets, and are no add-ons
    else:
        yield passes()


def addons_healthy(subject: ClusterSubject) -> Iterator[Finding]:
    found = subject.facts.addons
    if isinstance(found, Unread):
        yield unknown(found)
        return
    for addon in found.values():
        if addon.status not in ADDON_WORKS | ADDON_FAILS:
            yield unknown(unheard(f"the status of the add-on {addon.name}:", addon.status))
        elif addon.status in ADDON_FAILS or addon.issues:
            words = f" ({', '.join(addon.issues)})" if addon.issues else ""
            yield warns(addon=addon.name, status=addon.status, words=words)
    yield passes()


def one_to_one(subject: ClusterSubject) -> Iterator[Finding]:
    if not subject.new:
        return
    usage = subject.facts.usage
    if isinstance(usage, Unread):
        yield unknown(usage)
    elif usage.of_eks:
        yield warns(name=usage.of_eks)
    elif usage.complete:
        yield passes()
    else:
        yield unknown(Unread(why="the account has more HyperPod clusters than are read"))


CHECKS = (
    Check(
        name="EKSClusterActive",
        area=Area.EKS,
        what="The EKS cluster exists and is ACTIVE",
        why="HyperPod joins its instances to a running EKS cluster only.",
        source=SOURCE,
        judge=exists,
        reads=(DESCRIBE,),
        fail="There is no active EKS cluster {arn}.",
        warn="The EKS cluster {arn} is being updated.",
        remedy="Correct orchestrator.eks.clusterArn, or wait until the EKS cluster is ACTIVE.",
    ),
    Check(
        name="EKSVersionSupported",
        area=Area.EKS,
        what="HyperPod supports the Kubernetes version of the EKS cluster",
        why="The HyperPod AMI follows the Kubernetes version; instances of an unsupported one do not join.",
        source=f"{SOURCE}, Kubernetes version support (as of {versions.KUBERNETES_AS_OF})",
        judge=version,
        reads=(DESCRIBE,),
        fail="The EKS cluster runs Kubernetes {version}, which HyperPod does not support.",
        warn="The EKS cluster runs Kubernetes {version}; AWS's page names 1.30 to {newest} (as of 2026-07).",
        remedy="Compare with AWS's page on prerequisites, and upgrade the EKS cluster if it is too old.",
    ),
    Check(
        name="EKSAuthenticationMode",
        area=Area.EKS,
        what="The EKS cluster's authentication mode is API or API_AND_CONFIG_MAP",
        why="HyperPod adds access entries for its instances; with CONFIG_MAP they never join.",
        source=SOURCE,
        judge=authentication,
        reads=(DESCRIBE,),
        fail="The authentication mode of the EKS cluster is {mode}.",
        remedy="Set it: aws eks update-cluster-config --access-config authenticationMode=API_AND_CONFIG_MAP.",
    ),
    Check(
        name="VPCCNIVersion",
        area=Area.EKS,
        what=f"The VPC CNI plugin is installed in version {versions.VPC_CNI} or later",
        why="Older versions do not assign addresses on HyperPod instances: pods stay in ContainerCreating.",
        source=SOURCE,
        judge=vpc_cni,
        reads=("eks:ListAddons", "eks:DescribeAddon"),
        fail=f"The VPC CNI plugin {{found}}; HyperPod needs {versions.VPC_CNI} or later.",
        remedy="Install or update the add-on vpc-cni.",
    ),
    Check(
        name="OnlyVPCCNI",
        area=Area.EKS,
        what="The VPC CNI is the only CNI plugin",
        why="HyperPod supports no other CNI plugin. Next to it another one may only enforce network policies.",
        source=f"{SOURCE}; DOC: Calico, Install on Amazon EKS; DOC: Cilium, AWS VPC CNI chaining",
        judge=only_cni,
        reads=("eks:ListAddons",),
        fail="Another CNI plugin is installed, and the VPC CNI is not: {names}.",
        warn="Another CNI plugin is installed: {names}.",
        remedy="Remove it or use another EKS cluster, unless it only enforces network policies next to the VPC CNI.",
    ),
    Check(
        name="EKSAddonsHealthy",
        area=Area.EKS,
        what="The add-ons of the EKS cluster are healthy",
        why="Instances without working DNS, CNI or Pod Identity join and run nothing.",
        source="DOC: Amazon EKS API reference, AddonHealth",
        judge=addons_healthy,
        reads=("eks:ListAddons", "eks:DescribeAddon"),
        warn="Add-on {addon} is {status}{words}.",
        remedy="See aws eks describe-addon for the cause.",
    ),
    Check(
        name="OneHyperPodClusterPerEKSCluster",
        area=Area.EKS,
        what="No other HyperPod cluster uses the EKS cluster",
        why="An EKS cluster takes one HyperPod cluster, until the deletion of that has ended. AWS refuses another one "
        "immediately and without cost, and the operator tries again, so this check only warns.",
        source="DOC: SageMaker developer guide, sagemaker-hyperpod-eks",
        judge=one_to_one,
        reads=("sagemaker:ListClusters", "sagemaker:DescribeCluster"),
        warn="The HyperPod cluster {name} uses this EKS cluster.",
        remedy="Delete that cluster, adopt it by its clusterName, or name another EKS cluster.",
    ),
)
