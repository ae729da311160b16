"""Clusters of a CloudFormation template: resources of type AWS::SageMaker::Cluster, with intrinsic functions resolved.

What a template itself says is resolved: parameters with a given value or a default, mappings, conditions, pseudo
parameters where Region and account are known. What only a stack knows (GetAtt, ImportValue, the id of another resource)
becomes Unresolved. Functions: CloudFormation user guide, "Intrinsic function reference". YAML's short forms (!Ref) come
in here as their long ones.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from hyperpod_operator.core.export.model import DocumentError, LeftOut, Source, Unresolved, brief

CLUSTER_TYPE = "AWS::SageMaker::Cluster"
VARIABLE = re.compile(r"\$\{(!?)([^{}$]*)\}")
WORK_MOST = 1_000_000
"""Values and characters that resolving one template may make: a parameter that names itself often would grow without
bound."""
LOOP = "Fn::ForEach"
LOOPED = (
    "a loop (Fn::ForEach) makes its clusters, and export does not carry it out: give the template as CloudFormation "
    "has processed it (aws cloudformation get-template --template-stage Processed), or export the clusters by name"
)
LISTS = re.compile(r"CommaDelimitedList|List<.*>")


class _NoValue:
    """AWS::NoValue: the member is not there."""


NO_VALUE = _NoValue()


@dataclass(frozen=True, kw_only=True)
class Context:
    """What a person says about the stack. Empty Region and account are unknown."""

    parameters: Mapping[str, str] = field(default_factory=dict)
    region: str = ""
    account: str = ""
    partition: str = ""


def is_template(document: Mapping[str, Any]) -> bool:
    resources = document.get("Resources")
    return isinstance(resources, Mapping) and any(
        isinstance(one, Mapping) and isinstance(one.get("Type"), str) for one in resources.values()
    )


def sources(template: Mapping[str, Any], *, context: Context, label: str) -> Iterator[Source | LeftOut]:
    """Its clusters. Raises DocumentError when there are none, or when it is too large once resolved."""
    resolver = _Resolver(template, context)
    found = False
    for name, resource in template["Resources"].items():
        where = f"{label}, resource {brief(str(name))}"
        if str(name).startswith(LOOP) and CLUSTER_TYPE in str(resource):
            found = True
            yield LeftOut(label=where, reason=LOOPED)
        if not isinstance(resource, Mapping) or resource.get("Type") != CLUSTER_TYPE:
            continue
        found = True
        if "Condition" in resource and resolver.condition(str(resource["Condition"])) is False:
            yield LeftOut(label=where, reason=f"its condition {brief(resource['Condition'])} is false")
            continue
        members = resolver.resolved(resource.get("Properties") or {})
        if not isinstance(members, Mapping):
            raise DocumentError(f"Resources.{brief(str(name))}.Properties is no mapping")
        yield Source(label=where, members=members, name=str(name), region=context.region, account=context.account)
    if not found:
        raise DocumentError(_no_cluster(template["Resources"]))


def _no_cluster(resources: Mapping[str, Any]) -> str:
    types = {str(one.get("Type")) for one in resources.values() if isinstance(one, Mapping)}
    custom = any(name.startswith("Custom::") or name.endswith("::CustomResource") for name in types)
    nested = "AWS::CloudFormation::Stack" in types
    how = ""
    if custom:
        how = " A custom resource may create it, as in the templates of the SageMaker console."
    elif nested:
        how = " A nested stack may create it: export that template."
    return f"the template has no {CLUSTER_TYPE}.{how} Export the cluster itself by its name or ARN"


class _Resolver:
    def __init__(self, template: Mapping[str, Any], context: Context) -> None:
        self._context = context
        self._parameters = _mapping(template.get("Parameters"))
        self._mappings = _mapping(template.get("Mappings"))
        self._conditions = _mapping(template.get("Conditions"))
        self._resources = _mapping(template.get("Resources"))
        self._known: dict[str, bool | Unresolved] = {}
        self._open: set[str] = set()
        self._work = 0

    def resolved(self, value: Any) -> Any:
        """The value with its functions carried out; NO_VALUE members are left out."""
        self._spend(1)
        if isinstance(value, str):
            self._spend(len(value))
            return value
        if isinstance(value, list):
            items = (self.resolved(item) for item in value)
            return [item for item in items if item is not NO_VALUE]
        if not isinstance(value, Mapping):
            return value
        if len(value) == 1:
            name, argument = next(iter(value.items()))
            if name == "Ref" or (isinstance(name, str) and name.startswith("Fn::")):
                return self._function(name, argument)
        members = {
            name: _beside(name, item) if str(name).startswith("Fn::") else self.resolved(item)
            for name, item in value.items()
        }
        return {name: item for name, item in members.items() if item is not NO_VALUE}

    def condition(self, name: str) -> bool | Unresolved:
        if name not in self._known:
            if name in self._open or name not in self._conditions:
                return Unresolved(text=f"condition {brief(name)}", remedy="The template does not define it.")
            self._open.add(name)
            self._known[name] = self._truth(self._conditions[name])
            self._open.discard(name)
        return self._known[name]

    def _truth(self, value: Any) -> bool | Unresolved:
        self._spend(1)
        if not isinstance(value, Mapping) or len(value) != 1:
            return _unknown("condition", value)
        name, argument = next(iter(value.items()))
        if name == "Condition":
            return self.condition(str(argument))
        if not isinstance(argument, list):
            return _unknown(name, argument)
        if name == "Fn::Equals" and len(argument) == 2:
            left, right = (self.resolved(item) for item in argument)
            if isinstance(left, Unresolved):
                return left
            if isinstance(right, Unresolved):
                return right
            return _text(left) == _text(right)
        results = [self._truth(item) for item in argument]
        if name == "Fn::Not" and len(results) == 1:
            return results[0] if isinstance(results[0], Unresolved) else not results[0]
        if name in {"Fn::And", "Fn::Or"} and results:
            decisive = bool(name == "Fn::Or")
            if any(one is decisive for one in results):
                return decisive
            return next((one for one in results if isinstance(one, Unresolved)), not decisive)
        return _unknown(name, argument)

    def _function(self, name: str, argument: Any) -> Any:
        functions: Mapping[str, Callable[[Any], Any]] = {
            "Ref": self._ref,
            "Fn::Sub": self._sub,
            "Fn::Join": self._join,
            "Fn::Select": self._select,
            "Fn::Split": self._split,
            "Fn::If": self._if,
            "Fn::FindInMap": self._find_in_map,
        }
        if name in functions:
            return functions[name](argument)
        remedy = "Only the stack knows it: put in the value, or export the cluster itself by its name or ARN."
        return Unresolved(text=f"{name} {brief(argument)}", remedy=remedy)

    def _ref(self, argument: Any) -> Any:
        name = str(argument)
        if name == "AWS::NoValue":
            return NO_VALUE
        if name in self._pseudo:
            text = self._pseudo[name]
            self._spend(len(text))
            return text or Unresolved(text=f"Ref {name}", remedy="Name it with --region or --account.")
        if name in self._parameters:
            return self._parameter(name)
        remedy = "Only the stack knows it: put in the value, or export the cluster itself by its name or ARN."
        if name not in self._resources:
            remedy = "The template has no such parameter or resource."
        return Unresolved(text=f"Ref {brief(name)}", remedy=remedy)

    def _parameter(self, name: str) -> Any:
        declared = _mapping(self._parameters[name])
        kind = str(declared.get("Type", "String"))
        value = self._context.parameters.get(name, declared.get("Default"))
        if value is None or kind.startswith("AWS::SSM::"):
            return Unresolved(text=f"Ref {brief(name)}", remedy=f"Give it with --parameter {brief(name)}=VALUE.")
        self._spend(len(str(value)))
        if LISTS.fullmatch(kind) and isinstance(value, str):
            return [item.strip() for item in value.split(",") if item.strip()]
        return value

    def _sub(self, argument: Any) -> Any:
        text: Any = argument
        given: Mapping[str, Any] = {}
        if isinstance(argument, list) and len(argument) == 2:
            text, given = argument[0], _mapping(argument[1])
        if not isinstance(text, str):
            return _unknown("Fn::Sub", argument)
        made, missing, at = [], None, 0
        for found in VARIABLE.finditer(text):
            made.append(text[at : found.start()])
            at = found.end()
            name = found[2].strip()
            if found[1]:
                made.append(f"${{{found[2]}}}")
                continue
            value = self.resolved(given[name]) if name in given else self._named(name)
            if isinstance(value, Unresolved):
                missing = missing or value
            elif isinstance(value, str | int | float):
                made.append(_text(value))
            else:
                return _unknown("Fn::Sub", argument)
        if missing:
            return Unresolved(text=f"Fn::Sub {brief(text)}", remedy=missing.remedy)
        made.append(text[at:])
        self._spend(sum(map(len, made)))
        return "".join(made)

    def _named(self, name: str) -> Any:
        if "." in name:
            return self._function("Fn::GetAtt", name)
        return self._ref(name)

    def _join(self, argument: Any) -> Any:
        if not isinstance(argument, list) or len(argument) != 2 or not isinstance(argument[0], str):
            return _unknown("Fn::Join", argument)
        items = self.resolved(argument[1])
        if isinstance(items, Unresolved):
            return items
        if not isinstance(items, list):
            return _unknown("Fn::Join", argument)
        missing = next((item for item in items if isinstance(item, Unresolved)), None)
        if missing:
            return Unresolved(text=f"Fn::Join {brief(argument)}", remedy=missing.remedy)
        self._spend(sum(len(_text(item)) + len(argument[0]) for item in items))
        return argument[0].join(map(_text, items))

    def _select(self, argument: Any) -> Any:
        if not isinstance(argument, list) or len(argument) != 2:
            return _unknown("Fn::Select", argument)
        index, items = (self.resolved(item) for item in argument)
        missing = next((one for one in (index, items) if isinstance(one, Unresolved)), None)
        if missing:
            return missing
        if not isinstance(items, list) or not re.fullmatch("[0-9]{1,4}", str(index)) or int(index) >= len(items):
            return _unknown("Fn::Select", argument)
        return items[int(index)]

    def _split(self, argument: Any) -> Any:
        if not isinstance(argument, list) or len(argument) != 2 or not isinstance(argument[0], str) or not argument[0]:
            return _unknown("Fn::Split", argument)
        text = self.resolved(argument[1])
        if isinstance(text, Unresolved):
            return text
        return text.split(argument[0]) if isinstance(text, str) else _unknown("Fn::Split", argument)

    def _if(self, argument: Any) -> Any:
        if not isinstance(argument, list) or len(argument) != 3:
            return _unknown("Fn::If", argument)
        truth = self.condition(str(argument[0]))
        if isinstance(truth, Unresolved):
            return Unresolved(text=f"Fn::If {brief(argument[0])}", remedy=truth.remedy)
        return self.resolved(argument[1] if truth else argument[2])

    def _find_in_map(self, argument: Any) -> Any:
        if not isinstance(argument, list) or len(argument) < 3:
            return _unknown("Fn::FindInMap", argument)
        keys = [self.resolved(item) for item in argument[:3]]
        missing = next((one for one in keys if isinstance(one, Unresolved)), None)
        if missing:
            return missing
        value: Any = self._mappings
        for name in keys:
            value = next((below for key, below in _mapping(value).items() if _text(key) == _text(name)), None)
        return _unknown("Fn::FindInMap", argument) if value is None else self.resolved(value)

    @property
    def _pseudo(self) -> Mapping[str, str]:
        region = self._context.region
        partition = self._context.partition or _partition(region)
        return {
            "AWS::Region": region,
            "AWS::AccountId": self._context.account,
            "AWS::Partition": partition,
            "AWS::URLSuffix": ("amazonaws.com.cn" if partition == "aws-cn" else "amazonaws.com") if partition else "",
            "AWS::StackName": "",
            "AWS::StackId": "",
        }

    def _spend(self, amount: int) -> None:
        self._work += amount
        if self._work > WORK_MOST:
            raise DocumentError("the template grows without bound when its functions are carried out")


def _partition(region: str) -> str:
    """By the prefix of the Region (General Reference, "AWS partitions")."""
    if not region:
        return ""
    return {"cn": "aws-cn", "us-gov": "aws-us-gov"}.get(region.rsplit("-", 2)[0], "aws")


def _text(value: Any) -> str:
    """A value as CloudFormation compares and joins it: a boolean of YAML is the word."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _beside(name: str, argument: Any) -> Unresolved:
    """A function among members (Fn::Transform, Fn::ForEach): CloudFormation puts more members in its place."""
    remedy = (
        "It makes members that are not in the template: add them, or give the template as CloudFormation has processed "
        "it (aws cloudformation get-template --template-stage Processed)."
    )
    return Unresolved(text=f"{brief(name)} {brief(argument)}", remedy=remedy)


def _unknown(name: Any, argument: Any) -> Unresolved:
    return Unresolved(
        text=f"{brief(name)} {brief(argument)}", remedy="It is not written as CloudFormation has it: put in the value."
    )
