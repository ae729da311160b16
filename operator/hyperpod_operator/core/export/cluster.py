"""A manifest from one source."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from hyperpod_operator.api.cluster.resource import HyperPodClusterSpec
from hyperpod_operator.api.common.spec_rules import rule_problems
from hyperpod_operator.api.members import spec_schema
from hyperpod_operator.api.names import GROUP, OWNERSHIP_TAGS, TAG_OWNER
from hyperpod_operator.core.export.members import UNSET, Shaper, member
from hyperpod_operator.core.export.model import LeftOut, Manifest, Note, Source, brief
from hyperpod_operator.core.location import eks_cluster_of, location_of
from hyperpod_operator.core.observed import Json
from hyperpod_operator.core.text import counted

MANAGEMENT: Mapping[str, Json] = {"adoptionPolicy": "IfUnowned", "changePolicy": "PlanOnly"}
"""How the operator treats an exported cluster: it takes over what has no owner, and changes tags alone."""

AWS_PREFIX = "aws:"
"""Tag keys that only AWS writes, such as aws:cloudformation:stack-name (General Reference, "Tagging AWS resources")."""
TAGS_MOST = 46
"""Tags that a spec may have; see spec.tags."""

DRAIN_FIRST = "DrainFirst"
"""The patching strategy that has a drainPolicy; the others have an idle window (API member ClusterAutoPatchConfig)."""

SLURM = (
    "a Slurm cluster: Slurm orchestrates it and not Amazon EKS. This operator manages EKS clusters only and cannot "
    "adopt it"
)


def manifest(source: Source) -> Manifest | LeftOut:
    """The manifest of a source, without its final name; LeftOut for a cluster that no HyperPodCluster can describe."""
    if _is_slurm(source.members):
        return LeftOut(label=source.label, reason=SLURM)
    shaper = Shaper(literal=source.shown)
    schema = spec_schema(HyperPodClusterSpec)
    made = shaper.shaped(source.members, schema, "spec")
    spec: dict[str, Json] = {} if made is UNSET else dict(made)
    notes = [*source.notes, *shaper.notes]
    if shaper.read_only:
        notes.append(Note(path="", text=f"Read-only members left out: {brief(', '.join(shaper.read_only))}."))
    notes += _tags(spec)
    if source.shown:
        notes += _not_chosen(spec)
    place = location_of(eks_cluster_of(spec))
    region, account = source.region or place.region, source.account or place.account
    if region and "region" not in spec:
        spec["region"] = region
    spec["management"] = dict(MANAGEMENT)
    notes += _name(spec, source)
    ordered = {name: spec[name] for name in schema["properties"] if name in spec}
    notes += _problems(ordered, notes)
    return Manifest(
        label=source.label,
        name=source.name,
        cluster_name=str(spec.get("clusterName", "")),
        region=str(spec.get("region", "")),
        account=account,
        spec=ordered,
        notes=tuple(sorted(notes, key=lambda note: not note.to_do)),
    )


def _is_slurm(members: Mapping[str, Any]) -> bool:
    """No orchestrator means Slurm to CreateCluster (API member Orchestrator); one that cannot be read is no proof."""
    orchestrator = member(members, "orchestrator")
    if isinstance(orchestrator, list) and len(orchestrator) == 1:
        orchestrator = orchestrator[0]
    if not orchestrator:
        return True
    if not isinstance(orchestrator, Mapping):
        return False
    return member(orchestrator, "slurm") is not None and not member(orchestrator, "eks")


def _not_chosen(spec: Mapping[str, Json]) -> list[Note]:
    """Takes out of the groups what AWS shows of every group, whether it was chosen or not: AMI and next patch.

    A manifest that pins them would undo what AWS patches later, and undoing it replaces root volumes.
    """
    notes = []
    for kind in ("instanceGroups", "restrictedInstanceGroups"):
        for group in spec.get(kind) or []:
            where = f"spec.{kind}[{brief(group.get('instanceGroupName', ''))}]"
            for name in ("imageId", "imageReleaseVersion"):
                if name in group:
                    text = (
                        f"left out, so that the AMI stays AWS's choice; it is {brief(group.pop(name))}. Pin it if you"
                    )
                    notes.append(Note(path=f"{where}.{name}", text=f"{text} chose it."))
            notes += _filled_in(group, where, continuous="nodeProvisioningMode" in spec)
    return notes


def _filled_in(group: dict[str, Json], where: str, *, continuous: bool) -> Iterator[Note]:
    """Takes out of a group what AWS fills in beside what was asked for, and what CreateCluster refuses there."""
    if group.get("minInstanceCount") == 0 and not continuous:
        del group["minInstanceCount"]  # what unset means, too
    for number, storage in enumerate(group.get("instanceStorageConfigs") or []):
        volume = storage.get("ebsVolumeConfig") or {}
        if volume.get("rootVolume") and volume.pop("volumeSizeInGB", None) is not None:
            path = f"{where}.instanceStorageConfigs[{number}].ebsVolumeConfig.volumeSizeInGB"
            yield Note(path=path, text="left out: AWS determines the size of the root volume")
    patch = group.get("autoPatchConfig") or {}
    if patch.pop("patchSchedule", None):
        yield Note(path=f"{where}.autoPatchConfig.patchSchedule", text="left out: AWS sets the date")
    strategy = patch.get("patchingStrategy")
    unused = "idleWaitWindowInSeconds" if strategy == DRAIN_FIRST else "drainPolicy"
    if strategy and (value := patch.pop(unused, None)) is not None:
        text = f"left out: it has no effect with patchingStrategy {brief(strategy)}; it is {brief(value)}"
        yield Note(path=f"{where}.autoPatchConfig.{unused}", text=text)


def _name(spec: Mapping[str, Json], source: Source) -> list[Note]:
    if "clusterName" in spec:
        return []
    text = (
        "the source does not name the cluster: set it to the cluster's name in SageMaker (aws sagemaker list-clusters)"
    )
    return [Note(path="spec.clusterName", text=f"{text}; without it the operator looks for {source.name}", to_do=True)]


def _tags(spec: dict[str, Json]) -> list[Note]:
    """Takes out of `spec` the tags that a spec cannot have."""
    tags = spec.pop("tags", None) or []
    notes = []
    owner = next((tag["value"] for tag in tags if tag.get("key") == TAG_OWNER and "value" in tag), "")
    if owner:
        text = (
            f"{brief(owner)} owns this cluster: the operator adopts it only for a HyperPodCluster of that namespace "
            "and name and of the same EKS cluster"
        )
        notes.append(Note(path="spec.tags", text=text, to_do=True))
    kept = []
    for tag in tags:
        name = str(tag.get("key", ""))
        if name.lower().startswith(AWS_PREFIX):
            notes.append(Note(path=f"spec.tags[{brief(name)}]", text="left out: only AWS sets tags of this kind"))
        elif name in OWNERSHIP_TAGS or name.lower().startswith(f"{GROUP}/"):
            notes.append(Note(path=f"spec.tags[{brief(name)}]", text="left out: the operator sets its own tags"))
        else:
            kept.append({"key": name, "value": tag.get("value", "")})
    if len(kept) > TAGS_MOST:
        text = (
            f"left out: the cluster has {counted(len(kept), 'tag')}, and AWS takes 50 with the operator's 4. "
            "The tags stay as "
            f"they are; remove at least {len(kept) - TAGS_MOST} of them in AWS, because the operator adopts no cluster "
            f"on which its own do not fit. Keys: {brief(', '.join(str(tag.get('key')) for tag in kept))}"
        )
        notes.append(Note(path="spec.tags", text=text, to_do=True))
    elif kept:
        spec["tags"] = kept
    return notes


def _problems(spec: Mapping[str, Json], notes: list[Note]) -> list[Note]:
    """What the API server would refuse, unless a note says it already. Like there, rules are about what fits."""
    known = [note.path for note in notes if note.to_do]
    if misfits := _misfits(spec):
        found = [
            (path, text)
            for path, text in misfits
            if not any(one == path or one.startswith((f"{path}.", f"{path}[")) for one in known)
        ]
    else:
        broken = rule_problems(spec_schema(HyperPodClusterSpec), spec)
        found = [(path, text) for where, text in broken if (path := _path(where, spec)) not in known]
    return [Note(path=path, text=text, to_do=True) for path, text in found]


def _misfits(spec: Mapping[str, Json]) -> list[tuple[str, str]]:
    """What does not fit the schema, as far as the models say it."""
    found = []
    try:
        HyperPodClusterSpec.model_validate(spec)
    except ValidationError as error:
        found = [(_path(item["loc"], spec), str(item["msg"])) for item in error.errors(include_url=False)]
    if not spec.get("instanceGroups") and not spec.get("restrictedInstanceGroups"):
        found.append(("spec.instanceGroups", "a cluster needs at least one group"))
    return found


def _path(where: tuple[int | str, ...], spec: Mapping[str, Json]) -> str:
    """A location in the spec as notes write it: groups by name."""
    text, value = "spec", spec
    for part in where:
        value = _below(value, part)
        if isinstance(part, int):
            name = value.get("instanceGroupName") or value.get("key") if isinstance(value, Mapping) else None
            text += f"[{brief(name) if name else part}]"
        else:
            text += f".{part}"
    return text


def _below(value: Any, part: int | str) -> Any:
    try:
        return value[part]
    except (KeyError, IndexError, TypeError):
        return {}
