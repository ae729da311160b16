"""CEL rules of the CRD: how one is written down, and the forms that recur.

A rule is a sentence that the API server can check before anything reaches AWS. Its message is the operator's
answer to a mistake, so it always says what to do. Rules that look at the old object (`oldSelf`) run on updates
only and only where the old object can be found again: on plain members and on items of keyed lists.
"""

from typing import Any, Literal

Cel = dict[str, Any]
"""One entry of `x-kubernetes-validations`."""

FieldErrorReason = Literal["FieldValueInvalid", "FieldValueForbidden", "FieldValueRequired"]
"""Kubernetes also knows FieldValueDuplicate, but its answer then leaves our message out."""

NEW_GROUP = "add a group under a new name with the new value and remove this one"


def rule(
    expression: str, *, message: str, reason: FieldErrorReason | None = None, path: str = "", computed: str = ""
) -> Cel:
    """A rule that must hold. `path` points the error at a member, for example `.instanceType`.

    `computed` is a CEL expression for a message that names the value; `message` then stands where it cannot be shown
    (documentation, an expression that fails).
    """
    made: Cel = {"rule": expression, "message": message}
    if computed:
        made["messageExpression"] = computed
    if reason:
        made["reason"] = reason
    if path:
        made["fieldPath"] = path
    return made


def rules(*made: Cel) -> dict[str, Any]:
    """The rules of a model, as pydantic's `json_schema_extra`."""
    return {"x-kubernetes-validations": list(made)}


def worded(pattern: str, message: str, *more: Cel) -> dict[str, Any]:
    """Of a field whose texts have a form: the pattern, and the same as a rule that says in words what to write.

    `more` are rules about texts that have the form and belong into another field.
    """
    made = rule(f"self.matches(r'{pattern}')", message=message)
    return {"pattern": pattern, "json_schema_extra": rules(made, *more)}


def unchangeable(*, message: str) -> dict[str, Any]:
    """For a required member: its value never changes once set."""
    return rules(rule("self == oldSelf", message=message, reason="FieldValueForbidden"))


def fixed_once_set(member: str, *, message: str, listed: bool = False) -> Cel:
    """For an optional member, written on its parent: it may be added once, then neither changed nor removed.

    A rule on the member itself would not run when the member is removed, so removing and adding it again
    would get around it. `listed` compares an ordered list as the set that AWS takes it for.
    """
    same = f"self.{member} == oldSelf.{member}"
    if listed:
        same = f"self.{member}.size() == oldSelf.{member}.size() && self.{member}.all(x, x in oldSelf.{member})"
    return rule(
        f"!has(oldSelf.{member}) || (has(self.{member}) && {same})",
        message=message,
        reason="FieldValueForbidden",
        path=f".{member}",
    )


def fixed_in_group(member: str, *, listed: bool = False) -> Cel:
    """A member of an existing instance group that UpdateCluster does not change."""
    return fixed_once_set(member, message=f"{member} of an existing group cannot change: {NEW_GROUP}", listed=listed)


_PLAIN = "^ml[.](c|d|h|i|m|r|t|x|z)[0-9]"
"""How EC2 names families without GPUs and Neuron devices, as far as HyperPod has them (p, g, trn and inf have some)."""

NO_CHECKS_WITHOUT_ACCELERATORS = (
    "deep health checks run on instances with GPUs or Neuron devices only: remove onStartDeepHealthChecks, or choose "
    "another instance type"
)


def checked_types(*, flexible: bool) -> Cel:
    """For a group: deep health checks need accelerators. `flexible` groups may have instanceRequirements instead."""
    of_one = f"(!has(self.instanceType) || !self.instanceType.matches('{_PLAIN}'))"
    if not flexible:
        of_one = f"!self.instanceType.matches('{_PLAIN}')"
    of_several = (
        f" && (!has(self.instanceRequirements) || "
        f"self.instanceRequirements.instanceTypes.all(t, !t.matches('{_PLAIN}')))"
        if flexible
        else ""
    )
    return rule(
        f"!has(self.onStartDeepHealthChecks) || ({of_one}{of_several})",
        message=NO_CHECKS_WITHOUT_ACCELERATORS,
        path=".onStartDeepHealthChecks",
    )
