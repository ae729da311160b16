"""A module that judges by a word of AWS (a status, a state, an error code) cites an assumption, or has its reason here.

The words come from botocore's model, so that a new module is found by what it compares with. Whether a cited row is the
right one is for the review.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import botocore.session
import pytest
from tools.docs.assumptions import CITATION

import hyperpod_operator

SOURCE = Path(hyperpod_operator.__file__).parent
FLOORS = ("core/", "aws/", "controllers/")
ELSEWHERE = ("core/assumptions/", "core/preflight/", "aws/facts/")
"""The table itself; and preflight, whose checks name their source (test_assumptions.py)."""
ENUMS = MappingProxyType(
    {
        "sagemaker": (
            "ClusterStatus",
            "InstanceGroupStatus",
            "ClusterInstanceStatus",
            "SoftwareUpdateStatus",
            "ClusterNodeProvisioningMode",
        ),
        "ec2": ("VolumeState", "VolumeAttachmentState", "SnapshotState", "VolumeModificationState"),
    }
)
AMBIGUOUS = frozenset(
    {"Failed", "Failure", "NotFound", "Pending", "Succeeded", "deleted", "error", "failed", "pending"}
)
"""Words of Kubernetes or of the operator's own records as well."""
EC2_CODE = re.compile(r"(Invalid|Incorrect)\w+(\.[A-Z]\w+)?|[A-Z][A-Za-z]+\.[A-Z][A-Za-z]+")
WITHOUT_BELIEF: Mapping[str, str] = MappingProxyType(
    {
        "controllers/cluster/observe.py": "It chooses what is read in a pass.",
        "controllers/volume/attached_claims.py": "It reads the state that the operator stored.",
        "controllers/volume/measure.py": "It measures what happened, and decides nothing.",
        "controllers/volume/orphans.py": "It counts volumes, and changes none.",
        "core/cluster/state.py": "It says what AWS shows.",
        "core/explain/chain.py": "It says what status shows.",
        "core/explain/values.py": "It says what status shows.",
        "core/export/live.py": "It leaves out what is going, in a command that changes nothing.",
        "core/plan/calls.py": "It lists the calls that core/cluster decides on.",
        "core/plan/record.py": "It keeps the record of a plan that was carried out.",
        "core/preview/claim.py": "It says what follows for a command that changes nothing.",
        "core/preview/preview.py": "It says what a command found, and changes nothing.",
        "core/volume/adoption.py": "A volume that is going is no candidate, whatever follows.",
        "core/volume/phase.py": "It says what AWS shows.",
    }
)
"""Modules with such a word in which nothing depends on how AWS behaves, each with the reason."""


def words_of_aws() -> frozenset[str]:
    """The members of the enums, and the codes of the errors that SageMaker declares for clusters."""
    session = botocore.session.get_session()
    models = {name: session.get_service_model(name) for name in ENUMS}
    words = {word for name, enums in ENUMS.items() for enum in enums for word in models[name].shape_for(enum).enum}
    sagemaker = models["sagemaker"]
    for operation in (name for name in sagemaker.operation_names if "Cluster" in name):
        words |= {error.name for error in sagemaker.operation_model(operation).error_shapes}
    return frozenset(words - AMBIGUOUS)


WORDS = words_of_aws()


def named_in(text: str) -> set[str]:
    """The words and codes of AWS among the string literals of a module; docstrings are not literals of one word."""
    literals = (node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant))
    return {value for value in literals if isinstance(value, str) and (value in WORDS or EC2_CODE.fullmatch(value))}


def modules() -> Iterator[tuple[str, str]]:
    """Path below the package and text of each module that could judge."""
    for path in sorted(SOURCE.rglob("*.py")):
        name = path.relative_to(SOURCE).as_posix()
        if name.startswith(FLOORS) and not name.startswith(ELSEWHERE):
            yield name, path.read_text()


def test_a_module_that_judges_by_a_word_of_aws_cites_an_assumption() -> None:
    silent = {name: named_in(text) for name, text in modules() if not CITATION.search(text)}
    assert {name: words for name, words in silent.items() if words and name not in WITHOUT_BELIEF} == {}


def test_a_module_without_belief_has_such_a_word_and_no_citation() -> None:
    texts = dict(modules())
    assert [name for name in WITHOUT_BELIEF if not named_in(texts[name]) or CITATION.search(texts[name])] == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('if status == "InService": pass', {"InService"}),
        ('x = {"in-use", "own"}', {"in-use"}),
        ('code == "InvalidVolume.NotFound"', {"InvalidVolume.NotFound"}),
        ('match code:\n    case "ConflictException": pass', {"ConflictException"}),
        ('"""A cluster that is InService."""', set()),
        ('phase = "Pending"', set()),
    ],
)
def test_a_word_is_found_wherever_a_module_compares_with_it(text: str, found: set[str]) -> None:
    assert named_in(text) == found
