"""Command lines and resources in documents are such as the tools take: nobody copies one that cannot work."""

import re
from pathlib import Path

import pytest
import yaml
from tests.contract.definitions import KINDS, columns, schema, unknown
from tests.contract.shown_commands import DOCUMENTS, ROOT, Command, blocks, commands, split, typed
from tests.contract.shown_tools import CHECKS, check

from hyperpod_operator.api import names
from hyperpod_operator.core.explain.commands import AROUND, filled, placeholders
from hyperpod_operator.core.explain.commands import COMMANDS as EXPLAINED

COMMANDS = [command for document in DOCUMENTS for command in commands(document)]


@pytest.mark.parametrize("command", COMMANDS, ids=str)
def test_a_command_that_a_document_shows_can_work(command: Command) -> None:
    check(command.document, command.words)


@pytest.mark.parametrize(
    "line",
    [
        "aws sagemaker describe-clusters --cluster-name a",
        "aws sagemaker describe-cluster --name a",
        "docker build --build-arg BASE=x .",
        "helm instal hyperpod-operator helm/hyperpod-operator",
        "helm upgrade hyperpod-operator helm/hyperpod",
        "helm rollback hyperpod-operator",
        "helm upgrade hyperpod-operator helm/hyperpod-operator --set image.tags=1",
        "hyperpod-operator start",
        "hyperpod-operator run --log-fromat text",
        "hyperpod-operator run --workers many",
        "hyperpod-testbed build --with prometeus",
        "kubectl get hpcs",
        "kubectl get hpc -o jsonpath='{.status.nodeHelth}'",
        "kubectl apply -f examples/minimum.yaml",
        "kubectl annotate hpc NAME hyperpod-operator.dev/abandn=NAME",
        "kubectl get nodes -L sagemaker.amazonaws.com/node-health",
        'kubectl patch hpc first -p \'{"spec":{"paused":true}}\'',
        "kubectl wait hpc/first --for=condition=InService",
        "kubectl delete crd hyperpodcluster.hyperpod-operator.dev/v1",
        "make tests",
        "python -m benchmarks --only speed",
    ],
)
def test_a_command_that_cannot_work_is_noticed(line: str) -> None:
    (words,) = split(line)
    with pytest.raises(AssertionError):
        check(ROOT / "README.md", words)


RUNBOOKS = [command for command in COMMANDS if command.document.name == "RUNBOOKS.md"]
OF_RESOURCES = {"hpc", "evc", "hpno", "hyperpod"}


@pytest.mark.parametrize("command", RUNBOOKS, ids=str)
def test_a_runbook_looks_for_resources_in_their_namespace(command: Command) -> None:
    """Its NAMESPACE is the operator's, where they are not."""
    assert not (OF_RESOURCES & set(command.words) and "NAMESPACE" in command.words)


@pytest.mark.parametrize("tool", CHECKS)
def test_documents_show_each_tool(tool: str) -> None:
    """Else the reading of documents broke, and nothing is checked any more."""
    assert [command for command in COMMANDS if command.words[0] == tool]


TEMPLATES = sorted({one for listed in (*EXPLAINED.values(), AROUND) for one in listed})
FULL = dict.fromkeys((name for one in TEMPLATES for name in placeholders(one)), "x")


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_command_that_an_explanation_shows_can_work(template: str) -> None:
    """For one of the kinds at least: a reason may be that of one kind alone."""
    assert [kind for kind in ("hpc", "evc", "hpno") if can_work(template, kind)]


def can_work(template: str, kind: str) -> bool:
    line = filled(template, FULL | {"short": kind, "size": "1", "missing": "1", "verb": "reboot"})
    assert line is not None
    try:
        for words in split(line):
            check(ROOT / "README.md", words)
    except AssertionError:
        return False
    return True


def test_a_line_is_taken_apart_as_a_shell_does() -> None:
    block = "for x in a b; do\n  A=1 .venv/bin/tool get \\\n    'b c' > file  # why\n  one | two && three\ndone\n"
    found = [list(words) for line in typed(block) for words in split(line)]
    assert found == [
        ["for", "x", "in", "a", "b"],
        [".venv/bin/tool", "get", "b c"],
        ["one"],
        ["two"],
        ["three"],
        ["done"],
    ]
    assert list(typed("$ tool get\nNAME\n")) == ["tool get"]


def test_the_columns_that_documents_show_are_those_of_the_kinds() -> None:
    heads = [
        line.split() for path in DOCUMENTS for line in path.read_text().splitlines() if re.match(r"NAME +[A-Z]", line)
    ]
    assert heads
    assert [head for head in heads if head not in [columns(definition) for definition in KINDS.values()]] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_resources_that_a_document_shows_have_fields_that_exist(document: Path) -> None:
    for block in blocks(document.read_text(), frozenset({"yaml"})):
        shown = yaml.safe_load(block)
        if not isinstance(shown, dict) or not (
            set(shown) == {"spec"} or str(shown.get("apiVersion")).startswith(names.GROUP)
        ):
            continue
        kinds = [one for one in KINDS.values() if shown.get("kind") in {None, one["spec"]["names"]["kind"]}]
        assert [] in [list(unknown(shown, schema(kind))) for kind in kinds], block


def test_tests_that_the_threat_model_names_exist() -> None:
    text = (ROOT / "docs" / "security.md").read_text()
    named = re.findall(r"`([\w/]+\.py)`", text)
    assert len(named) > 10
    assert [name for name in named if not (ROOT / "tests" / name).exists()] == []
