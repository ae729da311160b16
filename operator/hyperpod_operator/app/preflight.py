"""The command `preflight`: resources from files, checked against AWS with the caller's own credentials."""

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from hyperpod_operator.api.cluster.resource import HyperPodClusterSpec
from hyperpod_operator.api.kinds import CLUSTER, VOLUME_CLAIM
from hyperpod_operator.api.volume.resource import EBSVolumeClaimSpec
from hyperpod_operator.app.documents import InputError
from hyperpod_operator.app.live import at_first, look
from hyperpod_operator.app.plan.manifests import found_in
from hyperpod_operator.app.reading import opened, require_region
from hyperpod_operator.app.remedies import words
from hyperpod_operator.aws.cloud import AwsCloud
from hyperpod_operator.controllers.cluster.resource import resource_of
from hyperpod_operator.core.cluster.concerns import situate
from hyperpod_operator.core.cluster.placement import misplaced
from hyperpod_operator.core.cluster.plan import CreateCluster
from hyperpod_operator.core.cluster.resource import Resource as ClusterResource
from hyperpod_operator.core.engine.call import PlannedCall
from hyperpod_operator.core.errors import CloudError, ErrorKind
from hyperpod_operator.core.location import location_of
from hyperpod_operator.core.observed import Observed
from hyperpod_operator.core.ports import Key, StoredObject
from hyperpod_operator.core.preflight.gate import due, due_of_calls, preflight
from hyperpod_operator.core.preflight.model import Preflight, Result
from hyperpod_operator.core.preflight.modes import ENFORCE
from hyperpod_operator.core.preflight.run import preflight as run
from hyperpod_operator.core.preflight.volume import ClaimSubject
from hyperpod_operator.core.preflight.volume_table import CLAIM
from hyperpod_operator.core.preview.model import Sight
from hyperpod_operator.core.preview.preview import preview
from hyperpod_operator.core.text import counted, plain

NOTHING = Preflight(checks=())
NO_CALL = "it exists, and the manifest adds no instances: nothing to check"
ASKED = 2
"""Calls by which a cluster that exists is read: DescribeCluster and ListTags."""
NAMESPACE = "default"
"""Namespace of resources that name none."""
MODELS: Mapping[str, type[HyperPodClusterSpec] | type[EBSVolumeClaimSpec]] = {
    CLUSTER.name: HyperPodClusterSpec,
    VOLUME_CLAIM.name: EBSVolumeClaimSpec,
}
"""Specs of the kinds that have checks."""
MARKS: Mapping[Result, str] = {Result.PASS: "ok", Result.WARN: "warn", Result.FAIL: "FAIL", Result.UNKNOWN: "?"}


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One resource of a file that has checks; `body` is the manifest."""

    kind: str
    name: str
    spec: HyperPodClusterSpec | EBSVolumeClaimSpec
    body: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Report:
    """What the checks of one resource say. `about` is the call that they are of, or why there is none to check.
    `blocked`: the operator would carry out nothing of the resource, for the reason that `about` says. `error`: why AWS
    could not be read at all, so that nothing is known."""

    kind: str
    name: str
    result: Preflight
    calls: int
    about: str = ""
    blocked: bool = False
    error: str = ""

    @property
    def failed(self) -> bool:
        """Whether the resource should not be applied as it is."""
        return self.blocked or bool(self.result.failed)

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "name": self.name,
            "about": self.about,
            "blocked": self.blocked,
            "error": self.error or None,
            "passed": len(self.result.of(Result.PASS)),
            "warnings": len(self.result.of(Result.WARN)),
            "failures": len(self.result.failed),
            "unknown": len(self.result.of(Result.UNKNOWN)),
            "calls": self.calls,
            "checks": [
                {"name": check.name, "group": check.area, "result": check.result, "message": check.message}
                for check in self.result.checks
            ],
        }


async def check_files(files: Sequence[str], *, region: str, stdin: Callable[[], bytes]) -> list[Report]:
    """The reports of all resources with checks in these files. Raises InputError."""
    found = list(resources(files, stdin=stdin))
    if not found:
        raise InputError(f"no {CLUSTER.name} and no {VOLUME_CLAIM.name} in {', '.join(files)}")
    cloud = opened(region=region)
    try:
        return [await _checked(cloud, one, beside=found) for one in found]
    finally:
        await asyncio.to_thread(cloud.close)


async def _checked(cloud: AwsCloud, resource: Resource, *, beside: Sequence[Resource]) -> Report:
    if isinstance(resource.spec, EBSVolumeClaimSpec):
        region = _region_of_claim(resource.spec, beside)
        require_region(region, cloud=cloud, what=f"{resource.kind} {resource.name}")
        facts = await cloud.facts(region=region).gather_claim(resource.spec)
        result = run(CLAIM, ClaimSubject(spec=resource.spec, facts=facts))
        here = await cloud.location(region=region)
        error = "" if here.account else _unread(result)
        about = f"in Region {region or cloud.region}"
        return Report(
            kind=resource.kind, name=resource.name, result=result, calls=facts.calls, about=about, error=error
        )
    return await _cluster(cloud, resource)


def _region_of_claim(spec: EBSVolumeClaimSpec, beside: Sequence[Resource]) -> str:
    """Where the volume would be made: the Region of its cluster, as far as the claim or the other files tell it; empty
    for that of the command."""
    ref = spec.clusterRef
    if ref.clusterArn:
        return location_of(ref.clusterArn).region
    named = (one.spec for one in beside if one.name == ref.name and isinstance(one.spec, HyperPodClusterSpec))
    return next((one.region for one in named if one.region), "")


async def _cluster(cloud: AwsCloud, resource: Resource) -> Report:
    """The checks of what the manifest brings to the cluster as AWS has it, or of a new cluster."""
    parsed, about = _parsed(resource), ""
    region = parsed.spec.region or ""
    require_region(region, cloud=cloud, what=f"{resource.kind} {resource.name}")
    snapshot = at_first(parsed, here=await cloud.location(region=region), now=datetime.now(UTC))
    calls: tuple[PlannedCall, ...] = ()
    observed = Observed(cluster=None)
    if misplaced(snapshot) is None:
        try:
            observed, _ = await look(cloud.clusters(region=region), snapshot.resource)
        except CloudError as error:
            if error.kind is not ErrorKind.DENIED:
                return Report(kind=resource.kind, name=resource.name, result=NOTHING, calls=1, error=words(error))
            about = f"whether the cluster exists is unknown, so it is checked as a new one: {words(error)}"
        found = preview(snapshot, observed, sight=Sight(memory=False))
        snapshot, calls = situate(snapshot, observed), found.calls
        if observed.cluster is not None and found.blocked:
            return Report(
                kind=resource.kind, name=resource.name, result=NOTHING, calls=ASKED, about=found.blocked, blocked=True
            )
    if observed.cluster is None:
        wanted = due(snapshot, CreateCluster(request={}), mode=ENFORCE)
    else:
        wanted = due_of_calls(snapshot, calls, mode=ENFORCE)
    if wanted is None:
        return Report(kind=resource.kind, name=resource.name, result=NOTHING, calls=ASKED, about=NO_CALL)
    gathered = await cloud.facts(region=region).gather(wanted.subject)
    return Report(
        kind=resource.kind,
        name=resource.name,
        result=preflight(replace(wanted.subject, facts=gathered)),
        calls=gathered.calls + (ASKED if observed.cluster is not None else 1),
        about=about or wanted.call,
    )


READING = frozenset(check.name for check in CLAIM if check.reads)
"""Checks of a claim that read AWS."""


def _unread(result: Preflight) -> str:
    """Why nothing of AWS could be read, from the first check that says it; empty where a check has an answer of it."""
    read = [check for check in result.checks if check.name in READING]
    known = [check for check in read if check.result is not Result.UNKNOWN]
    return read[0].message if read and not known else ""


def _parsed(resource: Resource) -> ClusterResource:
    """The resource as a pass sees it. What `management.preflight` says is no matter of a command that only checks."""
    metadata = resource.body.get("metadata")
    namespace = str(metadata.get("namespace") or NAMESPACE) if isinstance(metadata, dict) else NAMESPACE
    spec = dict(resource.body.get("spec") or {})
    if isinstance(spec.get("management"), dict):
        spec["management"] = {name: value for name, value in spec["management"].items() if name != "preflight"}
    stored = StoredObject(
        key=Key(namespace, resource.name),
        uid="",
        resource_version="",
        generation=1,
        deleting=False,
        finalizers=(),
        annotations={},
        body={"spec": spec},
    )
    return resource_of(stored)


def resources(files: Sequence[str], *, stdin: Callable[[], bytes]) -> Iterator[Resource]:
    """The resources with checks in files, directories and standard input; other kinds are passed over.

    Raises InputError, also for a resource that the API server would not take.
    """
    # The checks say more than the rules of the schemas, and all that is wrong at once.
    for one in found_in(files, namespace=NAMESPACE, stdin=stdin, rules=False):
        if one.problem:
            raise InputError(f"{one.kind} {one.key.name} in {plain(one.source)} is invalid: {one.problem}")
        if (model := MODELS.get(one.kind)) is not None:
            spec = model.model_validate(one.body.get("spec") or {})
            yield Resource(kind=one.kind, name=one.key.name, spec=spec, body=one.body)


def printed(reports: Sequence[Report], output: str) -> str:
    """The reports as text for people, or as JSON."""
    if output == "json":
        return json.dumps([report.to_json() for report in reports], indent=2)
    return "\n\n".join(_text(report) for report in reports)


def _text(report: Report) -> str:
    lines = [f"  {MARKS[check.result]:<5} {check.area}/{check.name}: {check.message}" for check in report.result.checks]
    said = report.to_json()
    nouns = (("passed", "passed"), ("warnings", "warning"), ("failures", "failure"), ("unknown", "unknown"))
    summary = ", ".join(counted(said[word], noun, word) for word, noun in nouns)
    about = f"blocked: {report.about}" if report.blocked else report.about
    title = f"{report.kind} {report.name}" + (f" ({about})" if about else "")
    if report.error:
        lines.append(f"  error: AWS could not be read: {plain(report.error)}")
    return "\n".join([title, *lines, f"  {summary}; {counted(report.calls, 'call')} to AWS."])
