"""Is the world what the user last asked for? Compared with AWS itself, not only with what the operator reports."""

from collections.abc import Mapping, Sequence
from typing import Any

from hyperpod_testbed.soak.fleet import Fleet, Life

Json = Mapping[str, Any]


def open_ends(fleet: Fleet, objects: Sequence[Json], dump: Mapping[str, Mapping[str, Json]]) -> list[str]:
    """What is not as asked for yet, a line each; empty when everything is Ready or gone."""
    clusters = {name: cluster for region in dump.values() for name, cluster in region.items()}
    found = {item["metadata"]["uid"]: item for item in objects}
    lines = [f"{name} is in AWS and nothing asks for it" for name in clusters if name not in fleet.present]
    for life in fleet.present.values():
        item = found.get(life.uid)
        if life.deleted:
            lines += [f"{life.name} is deleted and still there: {_words(item)}"] if item else []
        elif item is None:
            lines.append(f"{life.name} has lost its object")
        elif not is_ready(item):
            lines.append(f"{life.name} is not ready: {_words(item)}")
        else:
            lines += _differences(life, clusters.get(life.name))
    return lines


def is_ready(item: Json) -> bool:
    """Whether the object says Ready about its present generation."""
    if item.get("status", {}).get("observedGeneration") != item["metadata"]["generation"]:
        return False
    return ready_condition(item).get("status") == "True"


def ready_condition(item: Json) -> Json:
    """The Ready condition; empty when there is none yet."""
    return next((one for one in item.get("status", {}).get("conditions", []) if one["type"] == "Ready"), {})


def _differences(life: Life, cluster: Json | None) -> list[str]:
    if cluster is None:
        return [f"{life.name} is ready and AWS has no such cluster"]
    wanted = {
        name: (group["instanceCount"], group.get("kubernetesConfig", {}).get("labels"))
        for name, group in life.groups.items()
    }
    held = {
        group["InstanceGroupName"]: (
            group["TargetCount"],
            (group.get("KubernetesConfig") or {}).get("DesiredLabels")
            if (wanted.get(group["InstanceGroupName"]) or (0, None))[1]
            else None,
        )
        for group in cluster["InstanceGroups"]
    }
    tags = {key: value for key, value in cluster["Tags"].items() if not key.startswith("hyperpod-operator.dev/")}
    lines = [] if held == wanted else [f"{life.name} is ready, asked for {wanted}, AWS holds {held}"]
    return lines + ([] if tags == life.tags else [f"{life.name} is ready, asked for tags {life.tags}, AWS has {tags}"])


def _words(item: Json | None) -> str:
    ready = ready_condition(item or {})
    return f"{ready.get('reason', 'no condition yet')}: {ready.get('message', '')}"[:300]
