"""What the account holds and may hold: quotas, other HyperPod clusters, training plans."""

import asyncio
from collections import ChainMap, Counter
from collections.abc import Collection, Mapping
from typing import Any, cast

from hyperpod_operator.aws.facts.reader import Ask, Pages, Reader, items
from hyperpod_operator.core.preflight.facts import Capacity, TrainingPlan, Usage
from hyperpod_operator.core.preflight.model import Fact, Unread
from hyperpod_operator.core.preflight.tables.quotas import FURTHER

HOUR = 3600.0
QUOTA_PAGES = 60
"""Pages of 100 quotas: SageMaker has some thousands of them."""
OTHER_CLUSTERS = 8
"""Other HyperPod clusters that are described for what they hold."""


async def quotas(reader: Reader, wanted: Collection[str], *, service: str = "sagemaker") -> Fact[Mapping[str, float]]:
    """Applied quotas of a service by name, and the defaults where one of `wanted` has no applied value.

    The lists are long and the same for all clusters, so they are read once an hour and stand outside of the budget.
    """
    applied = await _listed(reader, "ListServiceQuotas", service)
    if isinstance(applied, Unread) or applied.keys() >= set(wanted):
        return applied
    defaults = await _listed(reader, "ListAWSDefaultServiceQuotas", service)
    # Quotas that were never changed may be among the defaults alone.
    return ChainMap(applied, {FURTHER: 0.0} if isinstance(defaults, Unread) else defaults)


async def _listed(reader: Reader, operation: str, service: str) -> Fact[dict[str, float]]:
    pages = await reader.ask(
        Ask(
            service="service-quotas",
            operation=operation,
            action=f"servicequotas:{operation}",
            parameters={"ServiceCode": service},
            keep=HOUR,
            pages=QUOTA_PAGES,
            whole=False,
            reduced=_by_name,
            counted=False,
        )
    )
    return pages if isinstance(pages, Unread) else cast(dict[str, float], pages[0]) if pages else {}


def _by_name(pages: Pages) -> Pages:
    """All quotas as one page, value by name: thousands of them, kept for an hour and read for each cluster."""
    found = {
        str(one["QuotaName"]): float(one["Value"])
        for one in items(pages, "Quotas")
        if one.get("QuotaName") and isinstance(one.get("Value"), int | float)
    }
    return [found | ({FURTHER: 0.0} if pages[-1].get("NextToken") else {})]


async def usage(reader: Reader, *, eks_arn: str, but: str) -> Fact[Usage]:
    """What other HyperPod clusters than the one named `but` hold. Service Quotas does not tell what is used."""
    listed = await reader.ask(
        Ask(service="sagemaker", operation="ListClusters", action="sagemaker:ListClusters", pages=3, whole=False)
    )
    if isinstance(listed, Unread):
        return listed
    names = [str(one["ClusterName"]) for one in items(listed, "ClusterSummaries") if one.get("ClusterName") != but]
    described = await asyncio.gather(*(_cluster(reader, name) for name in names[:OTHER_CLUSTERS]))
    counts, spot = Counter[str](), Counter[str]()
    total, user, complete = 0, "", len(names) <= OTHER_CLUSTERS and not (listed or [{}])[-1].get("NextToken")
    for name, found in zip(names, described, strict=False):
        if isinstance(found, Unread):
            complete = False
            continue
        groups = [*(found.get("InstanceGroups") or []), *(found.get("RestrictedInstanceGroups") or [])]
        for group in groups:
            count = int(group["TargetCount"])
            total += count
            if group.get("TrainingPlanArn"):
                continue
            by_type = spot if (group.get("CapacityRequirements") or {}).get("Spot") is not None else counts
            if group.get("InstanceType"):
                by_type[str(group["InstanceType"])] += count
                continue
            for one in group.get("InstanceTypeDetails") or []:  # of a group that takes several types
                by_type[str(one.get("InstanceType"))] += int(one.get("CurrentCount") or 0)
        if ((found.get("Orchestrator") or {}).get("Eks") or {}).get("ClusterArn") == eks_arn:
            user = name
    return Usage(
        instances=dict(counts), spot=dict(spot), total=total, clusters=len(names), complete=complete, of_eks=user
    )


async def _cluster(reader: Reader, name: str) -> Fact[Mapping[str, Any]]:
    pages = await reader.ask(
        Ask(
            service="sagemaker",
            operation="DescribeCluster",
            action="sagemaker:DescribeCluster",
            parameters={"ClusterName": name},
        )
    )
    return pages if isinstance(pages, Unread) else pages[0] if pages else {}


async def training_plan(reader: Reader, arn: str) -> Fact[TrainingPlan | None]:
    """sagemaker:DescribeTrainingPlan, whose TrainingPlanName takes the ARN (API model)."""
    pages = await reader.ask(
        Ask(
            service="sagemaker",
            operation="DescribeTrainingPlan",
            action="sagemaker:DescribeTrainingPlan",
            parameters={"TrainingPlanName": arn},
        )
    )
    if pages is None or isinstance(pages, Unread):
        return pages
    found = pages[0]
    return TrainingPlan(
        status=found["Status"],
        start=found.get("StartTime"),
        end=found.get("EndTime"),
        available=found.get("AvailableInstanceCount"),
        total=found.get("TotalInstanceCount"),
        targets=frozenset(str(one) for one in found.get("TargetResources") or []),
        capacities=tuple(
            Capacity(
                instance_type=one.get("InstanceType", ""),
                zone_id=one.get("AvailabilityZoneId", ""),
                count=one.get("TotalInstanceCount") or 0,
            )
            for one in found.get("ReservedCapacitySummaries") or []
        ),
    )
