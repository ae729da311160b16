"""docs/aws-assumptions.md: what the operator believes about AWS, from the table in its code and the citations of it."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from hyperpod_operator.core.assumptions import AREAS
from hyperpod_operator.core.assumptions.model import Assumption
from hyperpod_operator.core.preflight.table import CLUSTER
from hyperpod_operator.core.preflight.volume_table import CLAIM

HEAD = """\
# What is assumed about AWS

<!-- Generated from operator/hyperpod_operator/core/assumptions by `make chart`. -->

Each decision of the operator that depends on how AWS behaves cites one of these assumptions. For each, this page says
how we know, what goes wrong if it is false, and which test covers the other answer. If you know better, from a cluster
of your own or from a page of AWS, please open an issue that names the assumption; [conformance.md](conformance.md)
shows how to record what AWS answers.

Sources:

- **LIVE**: recorded by people who ran HyperPod on AWS;
- **DOC**: AWS's documentation;
- **MODEL**: the API model that botocore ships;
- **SRC**: public source code that works with AWS;
- **INF**: our inference.

Modules are below `operator/hyperpod_operator/`, tests below `tests/`. A switch is an option of the
[simulator](../testbed/hyperpod_testbed/simulator/README.md) that gives the other answer.
"""

WITHOUT_CONSEQUENCE: Mapping[str, str] = MappingProxyType(
    {
        "continuous_can_be_switched_on": "The operator sends what the spec asks for and reports a refusal.",
        "deep_check_after_reboot": "The operator follows the label, whatever led to it.",
        "deleted_node_returns": "A Node that is deleted decides nothing: AWS's list of instances does.",
        "encryption_by_default": "Encryption is set at creation and never compared; status shows what EC2 says.",
        "fault_labels": "The operator repeats the text of these labels and decides nothing by them.",
        "fault_labels_after_recovery": "The label node-health-status decides; these labels are repeated as text.",
        "lifecycle_config_required": "A refusal of a group without LifeCycleConfig is reported like any other.",
        "network_labels": "No decision reads these labels.",
        "new_group_may_be_empty": "A refusal of an empty group is reported like any other.",
        "provisioning_mode_default": "The operator reads the mode from DescribeCluster; tests cover both modes.",
        "restricted_beside_groups": "A refusal of restricted groups is reported like any other.",
        "software_retry_events": "SoftwareUpdateStatus shows a failed update; events are mirrored.",
        "spot_excludes_training_plan": "A refusal is reported like any other.",
        "spot_needs_continuous": "A refusal is reported like any other.",
    }
)
"""Switches of the simulator on which no decision of the operator depends, each with the reason."""

CITATION = re.compile(r"\[assumption: ([^\]]*)\]")
TABLE = "core/assumptions"


def citations(source: Path) -> Mapping[str, tuple[str, ...]]:
    """The modules that cite each id, as paths below `source`; the table itself is left out."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for path in sorted(source.rglob("*.py")):
        name = path.relative_to(source).as_posix()
        if name.startswith(f"{TABLE}/"):
            continue
        ids = {one.strip() for listed in CITATION.findall(path.read_text()) for one in listed.split(",")}
        for one in sorted(ids):
            found[one].append(name)
    return {one: tuple(names) for one, names in found.items()}


def page(source: Path) -> str:
    """The document, with the citations in the modules below `source`."""
    return "\n".join(_lines(citations(source))).rstrip() + "\n"


def _lines(cited: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    yield HEAD
    for area, rows in AREAS.items():
        yield f"## {area}\n"
        for row in rows:
            yield from _row(row, cited.get(row.id, ()))
    yield "## What each check of preflight believes\n"
    yield "If a row is false, see `preflight-checks-hold`. [preflight.md](preflight.md) has the checks in full.\n"
    yield "| Check | What AWS wants | Source |\n|---|---|---|"
    yield from (f"| `{check.name}` | {check.what}. {check.why} | {check.source} |" for check in (*CLUSTER, *CLAIM))
    yield ""
    yield "## Answers of no consequence\n"
    yield "The simulator gives these answers in more than one way, too. No decision of the operator depends on them.\n"
    yield "| Switch | Why not |\n|---|---|"
    yield from (f"| `{name}` | {reason} |" for name, reason in WITHOUT_CONSEQUENCE.items())


def _row(row: Assumption, cited: tuple[str, ...]) -> Iterator[str]:
    yield f"### {row.id}\n"
    yield f"{row.belief}\n"
    yield f"- Source: {row.source}."
    yield f"- If it is false: {row.if_false}"
    yield f"- Used by: {_code(cited)}"
    yield f"- Tests of the other answer: {_code(row.tests) if row.tests else f'none. {row.untested}'}"
    if row.switches:
        yield f"- Switches: {_code(row.switches)}"
    yield ""


def _code(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)
