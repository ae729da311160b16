"""What the tools that documents show would take: a check for each, which raises AssertionError.

Options of our own commands are parsed by the commands, values of the chart are looked up in its schema, kinds and
fields in the definitions, calls of AWS in botocore's models. Of helm and kubectl the verbs are known here.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

import botocore.session
import click
from benchmarks.__main__ import main as benchmarks
from botocore import xform_name
from tests.contract.definitions import KINDS, nested, schema, unknown
from tests.contract.shown_commands import ROOT

from hyperpod_operator.api import names
from hyperpod_operator.cli import main as hyperpod_operator
from hyperpod_testbed.cli import main as bed
from kubectl_hyperpod.main import main as plugin

TARGETS = frozenset(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
BUILD_ARGUMENTS = frozenset(re.findall(r"^ARG (\w+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE))
FOLDERS = frozenset(path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith("."))
VALUES: Mapping[str, Any] = json.loads((ROOT / "helm" / "hyperpod-operator" / "values.schema.json").read_text())

NAMES = frozenset(value for value in vars(names).values() if isinstance(value, str))
REASONS = frozenset(
    str(one)
    for found in vars(names).values()
    if isinstance(found, type) and issubclass(found, StrEnum)
    for one in found
)
CLUSTERS_OWN = frozenset(
    {"clusterrole", "crd", "event", "lease", "namespace", "node", "persistentvolume", "persistentvolumeclaim"}
    | {"pdb", "pod", "pv", "pvc", "replicaset", "role", "volumeattachment", "workloads.kueue.x-k8s.io"}
)
"""Kinds of Kubernetes that documents speak of, in the singular."""
KUBECTL = frozenset(
    {
        "annotate",
        "apply",
        "auth",
        "cordon",
        "create",
        "delete",
        "describe",
        "edit",
        "explain",
        "get",
        "label",
        "logs",
        "patch",
    }
    | {"port-forward", "rollout", "scale", "taint", "uncordon", "wait"}
)
HELM = frozenset({"dependency", "install", "rollback", "template", "test", "uninstall", "upgrade"})
WITH_VALUE = frozenset(
    {"-f", "-l", "-L", "-n", "-o", "-p", "--field-selector", "--filename", "--namespace", "--selector"}
)
"""Options of kubectl whose value may be the next word."""
BESIDE_THE_MODEL = frozenset(
    {("eks", "update-kubeconfig"), ("ecr", "get-login-password"), ("logs", "tail"), ("s3", "cp"), ("sso", "login")}
    | {("ssm", "start-session")}
)
"""Commands of the AWS CLI that are no call of an API."""
OF_THE_CLI = frozenset({"output", "profile", "query", "region"})


def options(words: Sequence[str]) -> list[tuple[str, str]]:
    """Options with their values, `--name=value` and `--name value` alike."""
    found = []
    for index, word in enumerate(words):
        if word.startswith("-") and word != "-":
            name, equals, value = word.partition("=")
            after = words[index + 1] if index + 1 < len(words) else ""
            found.append((name, value if equals else after))
    return found


def positional(words: Sequence[str]) -> list[str]:
    return [
        word
        for index, word in enumerate(words)
        if (word == "-" or not word.startswith("-")) and (index == 0 or words[index - 1] not in WITH_VALUE)
    ]


def parse(command: click.Command, words: Sequence[str]) -> None:
    """Fails as the command would; nothing is invoked."""
    if isinstance(command, click.Group) and not words:
        return  # it prints its help
    try:
        if isinstance(command, click.Group) and not words[0].startswith("-"):
            below = command.get_command(click.Context(command), words[0])
            assert below is not None, f"there is no command {words[0]}"
            parse(below, words[1:])
        else:
            command.make_context("shown", [__file__ if word.startswith("$") else word for word in words])
    except click.exceptions.Exit:
        pass  # --help
    except click.UsageError as error:
        raise AssertionError(error.format_message()) from error


def paths_exist(words: Sequence[str]) -> None:
    """What begins like a path of the checkout is one."""
    named = [word for word in words if "/" in word and word.split("/")[0] in FOLDERS]
    assert [word for word in named if not (ROOT / word).exists()] == []


def made(_document: Path, words: Sequence[str]) -> None:
    assert {word for word in words if "=" not in word} <= TARGETS


def measured(_document: Path, words: Sequence[str]) -> None:
    if tuple(words[:2]) == ("-m", "benchmarks"):
        parse(benchmarks, words[2:])


def built(_document: Path, words: Sequence[str]) -> None:
    given = {value.split("=")[0] for name, value in options(words) if name == "--build-arg"}
    assert given <= BUILD_ARGUMENTS


def charted(_document: Path, words: Sequence[str]) -> None:
    assert words[0] in HELM or words[0].startswith("-")
    ours = any(word.startswith(("helm/", "hyperpod-operator")) for word in words)
    of_a_release = words[0] in {"rollback", "test", "uninstall"} or any(word.startswith("helm/") for word in words)
    if ours and of_a_release and words[0] != "template":
        assert {"-n", "--namespace"} & {name for name, _ in options(words)}, "helm looks for releases in a namespace"
    for name, value in options(words):
        if name.startswith("--set") and ours:
            for one in re.split(r",(?=[\w.]+=)", value):
                value_exists(re.split(r"(?<!\\)\.", re.sub(r"\[\d+\]", "", one.split("=")[0])))


def value_exists(path: Sequence[str]) -> None:
    known: Mapping[str, Any] = VALUES
    for name in path:
        known = known.get("items", known)
        below = known.get("properties", {}).get(name) or known.get("additionalProperties")
        assert below, f"the chart has no value {'.'.join(path)}"
        known = below


def asked(document: Path, words: Sequence[str]) -> None:
    verb, *rest = positional(words)
    if verb == "hyperpod":
        parse(plugin, words[1:])
        return
    assert verb in KUBECTL
    for name, value in options(words):
        if name in {"-f", "--filename"} and value != "-":
            assert (ROOT / value).exists() or f"`{value}`" in document.read_text(), f"there is no {value}"
        if name in {"-l", "-L", "--selector"}:
            known_names(key.split("=")[0] for key in value.split(","))
        if name == "--field-selector" and value.startswith("reason="):
            assert value.removeprefix("reason=") in REASONS
    if verb in {"apply", "create", "explain", "logs", "port-forward", "rollout", "scale", "uncordon"} or not rest:
        if verb == "explain" and rest:
            kind, _, path = rest[0].partition(".")
            fields_exist(kind, nested(path) if path else {})
        return
    rest = rest[2:] if verb == "auth" else rest
    kinds = rest[0].split("/")[0].split(",")
    assert {kind for kind in kinds if not {kind, kind.removesuffix("s")} & CLUSTERS_OWN} <= set(KINDS)
    if kinds == ["crd"]:
        named = [*rest[0].split("/")[1:], *rest[1:]]
        assert all("$" in one or "=" in one or one in KINDS for one in named)
    if verb in {"annotate", "label", "taint"}:
        known_names(re.split(r"[=:]", word)[0].removesuffix("-") for word in rest[1:])
    for kind in KINDS.keys() & set(kinds):
        of_ours(kind, words)


def of_ours(kind: str, words: Sequence[str]) -> None:
    """Conditions, patches and paths that name fields of a kind."""
    for name, value in options(words):
        if name == "--for" and value.startswith("condition="):
            assert value.split("=")[1] in set(names.ConditionType)
        if name in {"-p", "--patch"}:
            fields_exist(kind, json.loads(value))
        for path in re.findall(r"\{(\.[\w.]+)\}", value if name == "-o" else ""):
            fields_exist(kind, nested(path))


def fields_exist(kind: str, value: Mapping[str, Any]) -> None:
    assert list(unknown(value, schema(KINDS[kind]))) == []


def known_names(keys: Any) -> None:
    """Labels, annotations and taints of ours and of HyperPod are those that the operator knows."""
    ours = {key for key in keys if key.startswith((f"{names.GROUP}/", names.SAGEMAKER_PREFIX))}
    assert ours <= NAMES


@cache
def model(service: str) -> Any:
    return botocore.session.get_session().get_service_model(service)


def called(_document: Path, words: Sequence[str]) -> None:
    service, operation = words[:2]
    if (service, operation) in BESIDE_THE_MODEL:
        return
    operations = {xform_name(name, "-"): name for name in model(service).operation_names}
    assert operation in operations
    shape = model(service).operation_model(operations[operation]).input_shape
    given = {name.removeprefix("--") for name, _ in options(words[2:])}
    assert given - OF_THE_CLI <= {xform_name(member, "-") for member in shape.members}
    assert not given or {xform_name(member, "-") for member in shape.required_members} <= given


def check(document: Path, words: Sequence[str]) -> None:
    """Raises AssertionError where a command of one of the tools cannot work."""
    CHECKS[words[0]](document, words[1:])
    paths_exist(words)


CHECKS: Mapping[str, Callable[[Path, Sequence[str]], None]] = {
    "aws": called,
    "docker": built,
    "helm": charted,
    "hyperpod-operator": lambda _, words: parse(hyperpod_operator, words),
    "hyperpod-testbed": lambda _, words: parse(bed, words),
    "kubectl": asked,
    "make": made,
    "python": measured,
    "sed": lambda _, words: paths_exist(words),
}
