"""Commands in the documents: their programs take them, and what they name is there."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from hyperpod_operator import cli as operator
from hyperpod_testbed import cli as bed

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "testbed" / "README.md", *ROOT.glob("helm/*/*.md")]
)
PROGRAMS: dict[str, click.Command] = {"hyperpod-operator": operator.main, "hyperpod-testbed": bed.main}
FENCE = re.compile(r"^```(?:sh|bash|console)\n(.*?)^```", re.MULTILINE | re.DOTALL)
FOLDERS = ("admission", "benchmarks", "crds", "docs", "examples", "gitops", "helm", "operator", "testbed", "tests")


def commands(path: Path) -> Iterator[list[str]]:
    """Each command of the fenced blocks, split as a shell would; what a command printed is left out."""
    for block in FENCE.findall(path.read_text()):
        console = any(line.startswith("$ ") for line in block.splitlines())
        text = re.sub(r"\\\n\s*", " ", block)
        for line in text.splitlines():
            if console and not line.startswith("$ "):
                continue
            for part in re.split(r"\s(?:\||&&|>|2>)\s", line.removeprefix("$ ")):
                try:
                    words = shlex.split(part, comments=True)
                except ValueError:  # a quoted text over several lines
                    continue
                if words:
                    yield words


def of(*programs: str) -> list[Any]:
    found = []
    for path in DOCUMENTS:
        for words in commands(path):
            name = Path(words[0]).name
            if name in programs:
                found.append(pytest.param(name, words[1:], id=f"{path.relative_to(ROOT)}: {' '.join(words)[:80]}"))
    return found


def option_values(arguments: list[str], *names: str) -> Iterator[str]:
    for position, word in enumerate(arguments):
        for name in names:
            if word == name and position + 1 < len(arguments):
                yield arguments[position + 1]
            elif word.startswith(f"{name}="):
                yield word.removeprefix(f"{name}=")


@pytest.mark.parametrize(("program", "arguments"), of(*PROGRAMS))
def test_our_own_programs_have_the_command_and_its_options(program: str, arguments: list[str]) -> None:
    command = PROGRAMS[program]
    while isinstance(command, click.Group) and arguments and not arguments[0].startswith("-"):
        assert arguments[0] in command.commands, f"{program} has no command {arguments[0]}"
        command, arguments = command.commands[arguments[0]], arguments[1:]
    known = {name for option in command.params for name in [*option.opts, *option.secondary_opts]} | {"--help", "-h"}
    asked = {word.partition("=")[0] for word in arguments if word.startswith("--")}
    assert asked <= known | {"--version"}


@pytest.mark.parametrize(("program", "arguments"), of("helm"))
def test_values_that_are_set_are_values_of_the_chart(program: str, arguments: list[str]) -> None:
    schema = json.loads((ROOT / "helm" / "hyperpod-operator" / "values.schema.json").read_text())
    for setting in option_values(arguments, "--set", "--set-string", "--set-json"):
        if any("hyperpod-operator" in word for word in arguments):
            for one in re.split(r",(?=[a-zA-Z.]+=)", setting):
                assert known(schema, re.split(r"(?<!\\)\.", re.sub(r"\[\d+\]", "", one.partition("=")[0]))), one


def known(schema: Any, path: list[str]) -> bool:
    """Whether the schema has a value at this path; objects without named members take any."""
    members = schema.get("properties")
    if not path or members is None:
        return True
    return path[0] in members and known(members[path[0]], path[1:])


@pytest.mark.parametrize(("program", "arguments"), of("kubectl", "helm", "python", "sed", "hyperpod-testbed"))
def test_files_of_the_checkout_that_are_named_exist(program: str, arguments: list[str]) -> None:
    named = [word for word in arguments if word.partition("/")[0] in FOLDERS and "/" in word]
    assert [word for word in named if not (ROOT / word).exists()] == []


@pytest.mark.parametrize(("program", "arguments"), of("kubectl"))
def test_kubectl_is_asked_for_kinds_that_exist(program: str, arguments: list[str]) -> None:
    """Words that look like ours: a kind of this group, its plural or its short name."""
    ours = set[str]()
    for path in (ROOT / "crds").glob("*.yaml"):
        definition = yaml.safe_load(path.read_text())["spec"]
        names = definition["names"]
        plain = {names["plural"], names["singular"], *names.get("shortNames", [])}
        ours |= plain | {f"{name}.{definition['group']}" for name in plain}
    asked = {part for word in arguments for part in word.partition("/")[0].split(",")}
    looks = {word for word in asked if re.fullmatch(r"(hyperpodcluster|ebsvolumeclaim|hpc|evc)[a-z.-]*", word)}
    assert looks <= ours


def test_there_are_commands_to_look_at() -> None:
    assert len(of("hyperpod-operator", "hyperpod-testbed")) > 5
    assert len(of("kubectl")) > 20
    assert len(of("helm")) > 3
