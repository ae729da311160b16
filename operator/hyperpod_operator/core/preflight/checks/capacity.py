"""Checks of Service Quotas."""

from collections import Counter
from collections.abc import Iterator

from hyperpod_operator.api.cluster.restricted_groups import RestrictedInstanceGroup
from hyperpod_operator.core.preflight.facts import nothing
from hyperpod_operator.core.preflight.model import Area, Check, Finding, Unread, fails, passes, unknown, warns
from hyperpod_operator.core.preflight.subject import ClusterSubject
from hyperpod_operator.core.preflight.tables import quotas
from hyperpod_operator.core.text import counted

QUOTAS = ("servicequotas:ListServiceQuotas", "servicequotas:ListAWSDefaultServiceQuotas")
USAGE = ("sagemaker:ListClusters", "sagemaker:DescribeCluster")
OVER = "The plan adds {added}, this cluster has {own}, other clusters have {others}, and the quota is {limit}."
OVER_ACCOUNT = "The cluster would have {wanted}, other clusters have {others}, and the account may have {limit}."
OVER_SPOT = (
    "The plan adds {added} as Spot, this cluster has {own}, other clusters have {others}, and the quota is {limit}."
)


Types = frozenset[str]
"""Instance types that a group may get its instances of."""


def _counted(subject: ClusterSubject, *, spot: bool) -> tuple[Counter[Types], Counter[Types]]:
    """The instances that the judged groups add, and those that the cluster has or gets besides."""
    added, own = Counter[Types](), Counter[Types]()
    for counter, groups in ((added, subject.groups), (own, subject.beside)):
        for group in groups:
            if group.spot is spot and not group.plan:
                counter[frozenset(group.types)] += group.count
    for held in subject.holds:
        if held.spot is spot and not held.plan:
            own[frozenset(held.types)] += held.count
    return added, own


def _certain(counts: Counter[Types], types: Types) -> int:
    """How many are of these types, whichever of its types AWS gives a group."""
    return sum(count for one, count in counts.items() if one and one <= types)


def _possible(counts: Counter[Types], types: Types) -> int:
    """How many may be of these types."""
    return sum(count for one, count in counts.items() if one & types)


def _type_quota(subject: ClusterSubject, *, spot: bool) -> Iterator[Finding]:
    """Which types come is AWS's choice where a group takes several: only what exceeds all their quotas together is
    certain."""
    added, own = _counted(subject, spot=spot)
    if not added.total():
        return
    listed, used = subject.facts.quotas, subject.facts.usage
    if isinstance(listed, Unread):
        yield unknown(listed)
        return
    others = nothing() if isinstance(used, Unread) else used.spot if spot else used.instances
    for types in (types for types, count in added.items() if count):
        names = [quotas.of_type(name, spot=spot) for name in sorted(types)]
        if (missing := next((name for name in names if name not in listed), None)) is not None:
            yield unknown(Unread(why=f"Service Quotas does not list “{missing}”"))
        else:
            yield _within(
                subject,
                limit=sum(listed[name] for name in names),
                added=_certain(added, types),
                own=_certain(own, types),
                others=sum(others.get(name, 0) for name in types),
                of=" or ".join(sorted(types)),
                perhaps=_possible(added, types) + _possible(own, types),
            )
    limit = listed.get(quotas.ALL_SPOT)
    if spot and limit is not None:
        all_added, all_own = added.total(), own.total()
        of = "instance" if all_added == 1 else "instances"
        yield _within(subject, limit=limit, added=all_added, own=all_own, others=sum(others.values()), of=of)


def _within(
    subject: ClusterSubject, *, limit: float, added: int, own: int, others: int, of: str, perhaps: int = 0
) -> Finding:
    """`perhaps` are the instances of this cluster that are of these types if AWS chooses so."""
    used = subject.facts.usage
    if added + own + others > limit:
        # What other clusters hold may become free; what this one holds does not.
        say = fails if added + own > limit else warns
        return say(added=f"{added} {of}", own=own, limit=int(limit), others=others)
    if isinstance(used, Unread):
        return unknown(used)
    if perhaps + others > limit:
        return unknown(
            Unread(
                why=f"the cluster would have up to {perhaps} {of}, because AWS chooses the types of some groups, other "
                f"clusters have {others}, and the quota is {int(limit)}"
            )
        )
    return passes() if used.complete else unknown(Unread(why="the account has more HyperPod clusters than are read"))


def on_demand_quota(subject: ClusterSubject) -> Iterator[Finding]:
    yield from _type_quota(subject, spot=False)


def spot_quota(subject: ClusterSubject) -> Iterator[Finding]:
    yield from _type_quota(subject, spot=True)


def cluster_quota(subject: ClusterSubject) -> Iterator[Finding]:
    listed = subject.facts.quotas
    if isinstance(listed, Unread):
        yield unknown(listed)
        return
    limit = listed.get(quotas.CLUSTER_SIZE)
    if limit is None:
        yield unknown(Unread(why=f"Service Quotas does not list “{quotas.CLUSTER_SIZE}”"))
    elif subject.instances > limit:
        yield fails(wanted=counted(subject.instances, "instance"), limit=int(limit))
    else:
        yield passes()


def account_quota(subject: ClusterSubject) -> Iterator[Finding]:
    listed, usage = subject.facts.quotas, subject.facts.usage
    for fact in (listed, usage):
        if isinstance(fact, Unread):
            yield unknown(fact)
            return
    if isinstance(listed, Unread) or isinstance(usage, Unread):
        return
    limit = listed.get(quotas.ALL_CLUSTERS)
    if limit is None:
        yield unknown(Unread(why=f"Service Quotas does not list “{quotas.ALL_CLUSTERS}”"))
    elif subject.instances + usage.total > limit:
        say = fails if subject.instances > limit else warns
        yield say(wanted=counted(subject.instances, "instance"), others=usage.total, limit=int(limit))
    elif not usage.complete:
        yield unknown(Unread(why="the account has more HyperPod clusters than are read"))
    else:
        yield passes()


def reserved_quota(subject: ClusterSubject) -> Iterator[Finding]:
    """The quota bounds what plans may reserve. A plan that was bought is within it, so more can only be a warning."""
    added, own = Counter[str](), Counter[str]()
    for counter, groups in ((added, subject.groups), (own, subject.beside)):
        for group in (one for one in groups if one.plan):
            counter.update(dict.fromkeys(group.types, group.count))
    for held in subject.holds:
        if held.plan:
            own.update(dict.fromkeys(held.types, held.count))
    listed = subject.facts.quotas
    for name, count in added.items():
        if isinstance(listed, Unread):
            yield unknown(listed)
        elif (limit := listed.get(quotas.reserved(name))) is None:
            yield unknown(Unread(why=f"Service Quotas does not list “{quotas.reserved(name)}”"))
        elif count + own[name] > limit:
            yield warns(type=name, count=count, own=own[name], limit=int(limit))
        else:
            yield passes()


def restricted_storage_quota(subject: ClusterSubject) -> Iterator[Finding]:
    """The quota bounds all restricted groups of the account; what others have of it is not read."""
    sizes = [
        group.spec.environmentConfig.fSxLustreConfig.sizeInGiB
        for group in subject.groups
        if isinstance(group.spec, RestrictedInstanceGroup)
        and group.spec.environmentConfig
        and group.spec.environmentConfig.fSxLustreConfig
    ]
    shared = subject.spec.restrictedInstanceGroupsConfig
    if subject.new and shared is not None:
        sizes.append(shared.sharedEnvironmentConfig.fSxLustreConfig.sizeInGiB)
    if not sizes:
        return
    listed = subject.facts.quotas
    if isinstance(listed, Unread):
        yield unknown(listed)
    elif (limit := listed.get(quotas.RESTRICTED_STORAGE)) is None:
        yield unknown(Unread(why=f"Service Quotas does not list “{quotas.RESTRICTED_STORAGE}”"))
    elif sum(sizes) > limit * 1024:
        yield fails(wanted=sum(sizes), limit=f"{limit:g}")
    else:
        yield passes()


CHECKS = (
    Check(
        name="InstanceQuota",
        area=Area.CAPACITY,
        what="The quotas for cluster usage allow the on-demand instances",
        why="CreateCluster fails with ResourceLimitExceeded, after up to 40 minutes in Continuous mode.",
        source="DOC: SageMaker developer guide, sagemaker-hyperpod-prerequisites, quotas",
        judge=on_demand_quota,
        reads=(*QUOTAS, *USAGE),
        fail=OVER,
        warn=OVER,
        remedy="Ask Service Quotas for a higher limit (“<type> for cluster usage”), or lower instanceCount.",
    ),
    Check(
        name="SpotQuota",
        area=Area.CAPACITY,
        what="The quotas for Spot cluster usage allow the Spot instances",
        why="Spot instances have quotas of their own, often 0.",
        source="LIVE: Service Quotas of an account lists both names; DOC: Service Quotas, Amazon SageMaker",
        judge=spot_quota,
        reads=(*QUOTAS, *USAGE),
        fail=OVER_SPOT,
        warn=OVER_SPOT,
        remedy="Ask Service Quotas for a higher limit (“<type> for cluster spot instance usage”, and "
        f"“{quotas.ALL_SPOT}”).",
    ),
    Check(
        name="ReservedQuota",
        area=Area.CAPACITY,
        what="The quotas for reserved capacity allow the instances of training plans",
        why="AWS refuses to sell or extend a plan beyond the quota, and the group keeps fewer instances.",
        source="LIVE: Service Quotas of an account lists the names; DOC: SageMaker developer guide, "
        "reserve-capacity-with-training-plans",
        judge=reserved_quota,
        reads=QUOTAS,
        warn="The plan adds {count} {type} from training plans, this cluster has {own}, and the quota for reserved "
        "capacity is {limit}.",
        remedy="Before you buy or extend a plan, ask Service Quotas for a higher limit (“Number of <type> instances in "
        "reserved capacity across training plans per Region”).",
    ),
    Check(
        name="ClusterSizeQuota",
        area=Area.CAPACITY,
        what="The cluster is within the quota for instances of one cluster",
        why="CreateCluster or UpdateCluster fails with ResourceLimitExceeded.",
        source="DOC: Service Quotas, Amazon SageMaker",
        judge=cluster_quota,
        reads=QUOTAS,
        fail="The cluster would have {wanted}, and a cluster may have {limit}.",
        remedy=f"Ask Service Quotas for more (“{quotas.CLUSTER_SIZE}”).",
    ),
    Check(
        name="AccountQuota",
        area=Area.CAPACITY,
        what="All clusters together are within the quota of the account",
        why="CreateCluster or UpdateCluster fails with ResourceLimitExceeded.",
        source="DOC: Service Quotas, Amazon SageMaker",
        judge=account_quota,
        reads=(*QUOTAS, *USAGE),
        fail=OVER_ACCOUNT,
        warn=OVER_ACCOUNT,
        remedy=f"Ask Service Quotas for more (“{quotas.ALL_CLUSTERS}”).",
    ),
    Check(
        name="RestrictedFileSystemQuota",
        area=Area.CAPACITY,
        what="The file systems of restricted groups are within the quota of the account",
        why="HyperPod makes no file system for the group, and its instances never come.",
        source="LIVE: Service Quotas of an account lists the name; DOC: Service Quotas, Amazon SageMaker",
        judge=restricted_storage_quota,
        reads=QUOTAS,
        fail="The restricted groups ask for {wanted} GiB of FSx for Lustre, and the account may have {limit} TiB.",
        remedy=f"Ask Service Quotas for more (“{quotas.RESTRICTED_STORAGE}”), or lower sizeInGiB.",
    ),
)
