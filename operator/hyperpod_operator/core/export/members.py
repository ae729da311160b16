"""The members of a foreign document as those of the spec, whatever the spelling.

The CLI writes `VolumeSizeInGB`, describe answers have `TargetCount` and `DesiredLabels`, awscc has
`volume_size_in_gb`, the aws provider `lifecycle_config`: without case and underscores they are the members of the
schema. Everything that has no place there becomes a note; nothing is dropped without one but empty values, which mean
unset.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hyperpod_operator.core.export.model import Note, Unresolved, brief
from hyperpod_operator.core.observed import UNREAD, Json

OTHER_NAMES: Mapping[str, str] = {
    "targetcount": "instancecount",
    "mincount": "mininstancecount",
    "instancegroup": "instancegroups",
    "instancestorageconfig": "instancestorageconfigs",
    "waitinterval": "waitintervalinseconds",
}
"""Spellings that differ by more than case: of answers (API members TargetCount and MinCount of
ClusterInstanceGroupDetails) and of the Terraform resource aws_sagemaker_cluster."""

READ_ONLY = frozenset(
    {
        "activeoperations",
        "activesoftwareupdateconfig",
        "arn",
        "clusterarn",
        "clusterstatus",
        "creationtime",
        "currentcount",
        "failuremessage",
        "id",
        "imageversionstatus",
        "instancetypedetails",
        "nodes",
        "responsemetadata",
        "softwareupdatestatus",
        "status",
        "tagsall",
        "targetstatecount",
        "timeouts",
        "trainingplanstatus",
    }
)
"""Members of answers and of Terraform states that report and configure nothing."""

OURS = "management"
PLACEHOLDER = re.compile(r"\$\{?[A-Za-z_][A-Za-z0-9_]*\}?|\$\(|<[A-Za-z][A-Za-z0-9 _-]*>")
"""Text that a person or a shell replaces before use: ${EKS_CLUSTER_ARN}, <your-bucket>."""


class _Unset:
    """There is no value."""


UNSET = _Unset()


@dataclass(slots=True)
class Shaper:
    """Turns one document into members of a schema and collects notes. One use each.

    `literal`: every text is a value that AWS has, and nothing in it stands for another one.
    """

    literal: bool = False
    notes: list[Note] = field(default_factory=list)
    read_only: list[str] = field(default_factory=list)

    def shaped(self, value: Any, schema: Mapping[str, Any], path: str) -> Any:
        """The value as the schema has it, or UNSET."""
        if value is None or value == "":
            return UNSET
        if isinstance(value, Unresolved):
            self.todo(path, f"has no value here ({brief(value)}). {value.remedy}")
            return UNSET
        types: Mapping[str, Callable[[Any, Mapping[str, Any], str], Any]] = {
            "object": self._object,
            "array": self._list,
            "string": self._string,
            "integer": self._integer,
            "boolean": self._boolean,
        }
        return types[schema["type"]](value, schema, path)

    def todo(self, path: str, text: str) -> None:
        self.notes.append(Note(path=path, text=text, to_do=True))

    def note(self, path: str, text: str) -> None:
        self.notes.append(Note(path=path, text=text))

    def _object(self, value: Any, schema: Mapping[str, Any], path: str) -> Any:
        value = _parsed(value)
        if isinstance(value, list) and len(value) == 1 and isinstance(value[0], Mapping):
            value = value[0]
        if value == []:
            return UNSET
        if not isinstance(value, Mapping):
            self.todo(path, f"has no members; it is {brief(value)}")
            return UNSET
        if "additionalProperties" in schema:
            below = schema["additionalProperties"]
            made = {str(name): self.shaped(item, below, f"{path}.{brief(str(name))}") for name, item in value.items()}
            return {name: item for name, item in made.items() if item is not UNSET} or UNSET
        properties = schema.get("properties") or {}
        chosen = self._chosen(value, properties, path)
        made = {
            name: self.shaped(chosen[name], below, f"{path}.{name}")
            for name, below in properties.items()
            if name in chosen
        }
        made = {name: item for name, item in made.items() if item is not UNSET}
        # An object without members of its own is a choice (spot: {}); one that has lost all of its members is none.
        return made if made or not properties else UNSET

    def _chosen(self, value: Mapping[Any, Any], properties: Mapping[str, Any], path: str) -> Mapping[str, Any]:
        """Member of the schema to the value that counts; of several spellings the most exact that has a value."""
        known = {key(name): name for name in properties if name != OURS}
        ranked: dict[str, list[tuple[int, str, Any]]] = {}
        for name, item in value.items():
            found = _member(str(name), known)
            if found is None:
                self._unknown(str(name), item, path)
            else:
                ranked.setdefault(found[1], []).append((found[0], str(name), item))
        chosen = {}
        for member, candidates in ranked.items():
            candidates.sort(key=lambda one: (one[2] is None, one[0]))
            rank, first, chosen[member] = candidates[0]
            for other_rank, other, item in candidates[1:]:
                if other_rank == rank and item != chosen[member]:
                    self.todo(f"{path}.{member}", f"the source has {first} and {other}; {other} is {brief(item)}")
        return chosen

    def _unknown(self, name: str, item: Any, path: str) -> None:
        where = f"{path}.{brief(name)}"
        if isinstance(item, Unresolved) and name.startswith("Fn::"):
            self.todo(where, f"has no value here ({brief(item)}). {item.remedy}")
        elif key(name) in READ_ONLY:
            self.read_only.append(where)
        elif item is not None and item not in ("", [], {}):
            self.note(where, f"this version has no such field; left out: {brief(item)}")

    def _list(self, value: Any, schema: Mapping[str, Any], path: str) -> Any:
        value = _parsed(value)
        items, keys = schema["items"], schema.get("x-kubernetes-list-map-keys") or []
        if isinstance(value, Mapping) and keys == ["key"] and {key(str(name)) for name in value} != {"key", "value"}:
            value = [{"key": name, "value": item} for name, item in value.items()]
        if not isinstance(value, list | tuple):
            value = [value]
        made = []
        for number, item in enumerate(value):
            where = f"{path}[{_label(item, keys, number)}]"
            shaped = self.shaped(item, items, where)
            if shaped is not UNSET:
                made.append(shaped)
            elif self.literal and isinstance(item, Mapping) and (not item or UNREAD in item.values()):
                self.todo(where, "AWS has an entry here that this version cannot read, and cannot adopt the cluster")
        made = self._once(made, schema, path)
        return made if made else UNSET

    def _once(self, made: list[Any], schema: Mapping[str, Any], path: str) -> list[Any]:
        """Items of sets and maps once each, as the API server wants them."""
        kind, keys = schema.get("x-kubernetes-list-type"), schema.get("x-kubernetes-list-map-keys") or []
        if kind not in {"set", "map"}:
            return made
        kept: dict[str, Any] = {}
        for item in made:
            named = json.dumps([item.get(name) for name in keys] if kind == "map" else item)
            if named not in kept:
                kept[named] = item
            elif kept[named] == item:
                self.note(path, f"stands twice in the source: {brief(item)}")
            else:
                self.todo(path, f"the source has two entries {named}; left out: {brief(item)}")
        return list(kept.values())

    def _string(self, value: Any, schema: Mapping[str, Any], path: str) -> Any:
        if isinstance(value, bool):
            value = "true" if value else "false"
        elif isinstance(value, int | float):
            value = str(value)
        if not isinstance(value, str):
            self.todo(path, f"is no text; it is {brief(value)}")
            return UNSET
        if not self.literal and PLACEHOLDER.search(value):
            self.todo(path, f"put the value in the place of {brief(value)}")
        elif "enum" in schema and value not in schema["enum"]:
            self.todo(path, f"{brief(value)} is none of {', '.join(schema['enum'])}; left out")
            return UNSET
        return value

    def _integer(self, value: Any, _schema: Mapping[str, Any], path: str) -> Any:
        if isinstance(value, str) and re.fullmatch(r"\s*-?[0-9]{1,10}\s*", value):
            value = int(value)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            self.todo(path, f"is no whole number; it is {brief(value)}")
            return UNSET
        return value

    def _boolean(self, value: Any, _schema: Mapping[str, Any], path: str) -> Any:
        if isinstance(value, str) and value.lower() in {"true", "false"}:
            value = value.lower() == "true"
        if not isinstance(value, bool):
            self.todo(path, f"is neither true nor false; it is {brief(value)}")
            return UNSET
        return value


def key(name: str) -> str:
    """A member's name without case, underscores and dashes."""
    return name.replace("_", "").replace("-", "").lower()


def member(value: Mapping[Any, Any], name: str) -> Json:
    """A member of a document in any spelling, by its `key`; None where there is none."""
    return next((item for found, item in value.items() if key(str(found)) == name), None)


def _member(name: str, known: Mapping[str, str]) -> tuple[int, str] | None:
    """How exact a name is (0 is best), and the member of the schema that it means."""
    for rank, candidate in enumerate(_candidates(key(name))):
        if candidate in known:
            return rank, known[candidate]
    return None


def _candidates(name: str) -> Iterator[str]:
    yield name
    yield name.removeprefix("desired")
    yield OTHER_NAMES.get(name, name)
    yield name.removeprefix("current") if name not in READ_ONLY else name


def _label(item: Any, keys: Sequence[str], number: int) -> str:
    """What stands between the brackets of a path: the names of a named item, else its place."""
    if keys and isinstance(item, Mapping):
        named = [member(item, key(name)) for name in keys]
        if named[0] is not None:
            return brief(named[0])[:63]
    return str(number)


def _parsed(value: Any) -> Any:
    """JSON inside of a string, as awscc keeps objects that have no members in its schema ("{}")."""
    if isinstance(value, str) and value.lstrip()[:1] in {"{", "["}:
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value
