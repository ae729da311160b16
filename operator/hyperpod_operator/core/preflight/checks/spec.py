"""Checks of the spec alone: values that pass the schema and that AWS cannot mean. None of them calls AWS."""

import difflib
from collections.abc import Iterator

from hyperpod_operator.core.cluster.placement import REGIONAL
from hyperpod_operator.core.health.instance_types import describe
from hyperpod_operator.core.location import location_of
from hyperpod_operator.core.preflight.model import Area, Check, Finding, Unread, fails, passes, unknown, warns
from hyperpod_operator.core.preflight.subject import ClusterSubject
from hyperpod_operator.core.preflight.tables import quotas
from hyperpod_operator.core.text import counted

ACCOUNT = Unread(why="the account of the credentials is not known: STS did not answer")
# [assumption: preflight-restricted-groups-since]
RESTRICTED_SINCE = "2025-07-16"
RIG_PAGE = "DOC: SageMaker developer guide, nova-hp-cluster"
PREREQUISITES = "DOC: SageMaker developer guide, sagemaker-hyperpod-eks-prerequisites"


def _arns(subject: ClusterSubject) -> Iterator[tuple[str, str, str]]:
    """Group, member and ARN of all that a spec names by ARN."""
    yield "", "orchestrator.eks.clusterArn", subject.eks_arn
    if subject.spec.clusterRole:
        yield "", "clusterRole", subject.spec.clusterRole
    for group in subject.groups:
        yield group.name, "executionRole", group.role
        if group.plan:
            yield group.name, "trainingPlanArn", group.plan
        for storage in group.spec.instanceStorageConfigs or []:
            key = storage.ebsVolumeConfig.volumeKmsKeyId if storage.ebsVolumeConfig else None
            if key and key.startswith("arn:"):
                yield group.name, "volumeKmsKeyId", key


def same_region(subject: ClusterSubject) -> Iterator[Finding]:
    for group, member, arn in _arns(subject):
        there = location_of(arn)
        if "region" in subject.here.differences(there) or "partition" in subject.here.differences(there):
            yield fails(
                group=group, member=member, arn=arn, theirs=there.region or there.partition, ours=subject.here.region
            )
    yield passes()


def same_account(subject: ClusterSubject) -> Iterator[Finding]:
    if not subject.here.account:
        yield unknown(ACCOUNT)
        return
    for group, member, arn in _arns(subject):
        there = location_of(arn)
        if member not in REGIONAL and "account" in subject.here.differences(there):
            yield fails(group=group, member=member, arn=arn, theirs=there.account, ours=subject.here.account)
    yield passes()


def known_type(subject: ClusterSubject) -> Iterator[Finding]:
    known, listed = subject.facts.known_types, subject.facts.quotas
    if not known:
        return
    for group in subject.groups:
        for name in group.types:
            if name in known:
                yield passes(group=group.name)
                continue
            near = difflib.get_close_matches(name, sorted(known), n=3, cutoff=0.6)
            hint = f"Did you mean {' or '.join(near)}?" if near else "No known type has a similar name."
            has_quota = not isinstance(listed, Unread) and bool(quotas.all_of(name) & listed.keys())
            certain = not isinstance(listed, Unread) and listed and quotas.FURTHER not in listed and not has_quota
            say = passes(group=group.name) if has_quota else None
            yield say or (fails if certain else warns)(group=group.name, type=name, hint=hint)


def deep_checks_need_accelerators(subject: ClusterSubject) -> Iterator[Finding]:
    for group in subject.groups:
        if not group.spec.onStartDeepHealthChecks:
            continue
        plain = [name for name in group.types if (found := describe(name)) is not None and not found.accelerated]
        yield fails(group=group.name, type=", ".join(plain)) if plain else passes(group=group.name)


def deep_checks_of_one_node(subject: ClusterSubject) -> Iterator[Finding]:
    for group in subject.groups:
        if "InstanceConnectivity" not in (group.spec.onStartDeepHealthChecks or []):
            continue
        yield warns(group=group.name) if group.spec.instanceCount == 1 else passes(group=group.name)


def karpenter_starts_empty(subject: ClusterSubject) -> Iterator[Finding]:
    if not subject.karpenter or not (subject.new or subject.adds):
        return
    for group in subject.groups:
        external = group.spec.management is not None and group.spec.management.countOwner == "Operator"
        if group.count > 0 and not external:
            yield warns(group=group.name, count=group.count)
    yield passes()


def groups_within_quota(subject: ClusterSubject) -> Iterator[Finding]:
    count = len(subject.every_group)
    if count > quotas.GROUPS // 2:
        yield warns(groups=counted(count, "group")) if count > quotas.GROUPS else passes()


def restricted_file_system(subject: ClusterSubject) -> Iterator[Finding]:
    shared = subject.spec.restrictedInstanceGroupsConfig
    wanted = [("", shared.sharedEnvironmentConfig.fSxLustreConfig)] if shared else []
    wanted += [
        (group.instanceGroupName, group.environmentConfig.fSxLustreConfig)
        for group in subject.spec.restrictedInstanceGroups or []
        if group.environmentConfig and group.environmentConfig.fSxLustreConfig
    ]
    for name, lustre in wanted:
        size, throughput = lustre.sizeInGiB, lustre.perUnitStorageThroughput
        fits = (size == 1200 or size % 2400 == 0) and throughput in {125, 250, 500, 1000}
        yield passes(group=name) if fits else warns(group=name, size=size, throughput=throughput)


def restricted_cluster_age(subject: ClusterSubject) -> Iterator[Finding]:
    if subject.new or not any(group.restricted for group in subject.groups):
        return
    if subject.created_at is None:
        yield unknown(Unread(why="AWS does not say when the cluster was created"))
    elif subject.created_at.date().isoformat() < RESTRICTED_SINCE:
        yield fails(created=subject.created_at.date().isoformat())
    else:
        yield passes()


CHECKS = (
    Check(
        name="SameRegion",
        area=Area.SPEC,
        what="Every ARN of the spec is of the Region in which the cluster is made",
        why="AWS refuses a cluster with an EKS cluster, role or key of another Region or partition.",
        source="MODEL: CreateCluster; DOC: SageMaker developer guide, sagemaker-hyperpod-eks-prerequisites",
        judge=same_region,
        fail="{member} {arn} is of {theirs}, and the cluster is made in {ours}.",
        remedy="Name a resource of the same Region, or set spec.region.",
    ),
    Check(
        name="SameAccount",
        area=Area.SPEC,
        what="The EKS cluster and the roles of the spec are of the account of the operator's credentials",
        why="HyperPod works with an EKS cluster and roles of its own account only.",
        source="DOC: SageMaker developer guide, sagemaker-hyperpod-prerequisites-iam",
        judge=same_account,
        fail="{member} {arn} is of account {theirs}, and the operator works in account {ours}.",
        remedy="Name a resource of this account.",
    ),
    Check(
        name="InstanceTypeKnown",
        area=Area.SPEC,
        what="Every instance type is one that HyperPod offers",
        why="CreateCluster fails on a mistyped instance type.",
        source="MODEL: ClusterInstanceType; DOC: Service Quotas lists each type",
        judge=known_type,
        fail="HyperPod has no instance type {type}: neither the API nor Service Quotas of this account names it. "
        "{hint}",
        warn="This version of the operator does not know the instance type {type}. {hint}",
        remedy="Correct the type, or ignore this if AWS released it lately.",
    ),
    Check(
        name="DeepHealthChecksSupported",
        area=Area.SPEC,
        what="Deep health checks run on groups with accelerators only",
        why="Deep health checks exist for GPU and Trainium instances only; on others the call fails.",
        source=f"{PREREQUISITES}, resiliency considerations",
        judge=deep_checks_need_accelerators,
        fail="onStartDeepHealthChecks is set, and {type} has neither GPUs nor Neuron devices.",
        remedy="Remove onStartDeepHealthChecks from the group.",
    ),
    Check(
        name="ConnectivityNeedsTwoNodes",
        area=Area.SPEC,
        what="InstanceConnectivity checks have two instances at least",
        why="The check runs NCCL between instances; with one there is nothing to test.",
        source="DOC: SageMaker developer guide, sagemaker-hyperpod-eks-resiliency-deep-health-checks",
        judge=deep_checks_of_one_node,
        warn="InstanceConnectivity is asked for a group of one instance.",
        remedy="Remove InstanceConnectivity, or raise instanceCount.",
    ),
    Check(
        name="KarpenterGroupsStartEmpty",
        area=Area.SPEC,
        what="Groups that Karpenter scales start with no instances",
        why="Autoscaling scales groups from 0: instances that no pod asks for end again.",
        source="DOC: SageMaker developer guide, sagemaker-hyperpod-eks-autoscaling",
        judge=karpenter_starts_empty,
        warn="instanceCount is {count} while autoScaling is enabled.",
        remedy="Set instanceCount to 0, or management.countOwner: Operator for a group that Karpenter leaves alone.",
    ),
    Check(
        name="GroupsWithinQuota",
        area=Area.SPEC,
        what="The cluster has no more groups than AWS documents",
        why="AWS documents 20 groups for a cluster; its API takes more, an account may not.",
        source="DOC: SageMaker developer guide, sagemaker-hyperpod-prerequisites",
        judge=groups_within_quota,
        warn="The spec has {groups} and AWS documents 20.",
        remedy="Ask AWS Support whether your account takes more.",
    ),
    Check(
        name="RestrictedFileSystemSize",
        area=Area.SPEC,
        what="File systems of restricted groups have a size and throughput that FSx for Lustre offers",
        why="FSx for Lustre takes 1200 GiB or multiples of 2400 GiB, and 125, 250, 500 or 1000 MB/s per TiB.",
        source="DOC: FSx for Lustre user guide; MODEL: FSxLustreConfig",
        judge=restricted_file_system,
        warn="sizeInGiB is {size} and perUnitStorageThroughput is {throughput}.",
        remedy="Choose 1200 or a multiple of 2400, and 125, 250, 500 or 1000.",
    ),
    Check(
        name="RestrictedGroupsSupported",
        area=Area.SPEC,
        what="The cluster is new enough for restricted instance groups",
        why="Restricted groups work on clusters that were created on or after 2025-07-16.",
        source=RIG_PAGE,
        judge=restricted_cluster_age,
        fail="The cluster was created on {created}; restricted groups need one of 2025-07-16 or later.",
        remedy="Create another HyperPodCluster for the restricted groups.",
    ),
)
