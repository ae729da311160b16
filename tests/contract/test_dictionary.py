"""One dictionary: what documents name exists in the code, what the code names is documented, and some words are out.

Reasons and conditions are held to docs/conditions.md in unit/api/test_names.py, metrics to docs/metrics.md in
test_metrics_document.py; here is what spans all documents.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import pytest
from tests.contract.definitions import DEFINITIONS, schema
from tests.contract.user_facing_text import (
    CHART,
    ROOT,
    Text,
    documents,
    names_of_the_operator,
    strings_of_the_operator,
    text_of_documents,
)

from hyperpod_operator.api import names
from hyperpod_operator.api.kinds import KINDS
from hyperpod_operator.api.metrics.table import instruments
from hyperpod_operator.api.names import GROUP, ConditionType, Reason
from hyperpod_operator.cli import policies, run

PROSE: Mapping[str, str] = {
    "anew": "again",
    "beside|besides": "next to; in addition to",
    "for ever": "always; until …",
    "fence|fences|fenced|fencing": "taint; tainted",
    "lets? go|letting go": "detach; release; continue without",
    "mend|mends|mended|mending": "fix",
    "nobody": "say what does not happen, without a person",
    "somebody|someone else": "name who acts: you, AWS, another client, or: not the operator",
    "stands? for": "match; mean",
    "tell|tells|telling|told": "say, show, report; or name what the operator does with it",
    "tenure": "leadership guard",
    "verdict|verdicts": "decision",
    "wish|wishes|wished": "desired state; change; optional",
}
"""Words (as regular expressions) that user-facing text does not use, and what to write instead."""

IDENTIFIERS: Mapping[str, str] = {
    "arriving": "response stream",
    "echo": "propagation window",
    "fence|fenced|unfence": "taint, untaint",
    "furnish": "build",
    "outage": "watch backoff",
    "pace": "rate limit",
    "pulse": "watch health",
    "storm": "mass failure",
    "tenure": "leadership guard",
    "wishes": "change filter",
}
"""Words that the operator's modules, classes and functions do not have in their names, and the word to use."""

PARTS: Mapping[str, Callable[[], Iterable[Text]]] = {
    "documents": text_of_documents,
    "strings": strings_of_the_operator,
}


@cache
def part_of(name: str) -> Sequence[Text]:
    """Read by the tests: whoever only collects them does without."""
    return tuple(PARTS[name]())


@cache
def with_words_that_are_out(name: str) -> Sequence[Text]:
    """What a test of one word looks at: all words are looked for at once, in all the text."""
    any_word = _as_a_word("|".join(PROSE))
    return tuple(text for text in part_of(name) if any_word.search(text.words))


@cache
def names_in_words() -> Sequence[Text]:
    return tuple(
        text._replace(words=re.sub(r"(?<=[a-z0-9])(?=[A-Z])|_", " ", text.words)) for text in names_of_the_operator()
    )


def replaced(word: str, replacement: str, texts: Iterable[Text]) -> list[str]:
    found = _as_a_word(word)
    return [
        f"{text.path}:{text.line}: “{match[0]}”: write “{replacement}” instead: {text.words.strip()}"
        for text in texts
        if (match := found.search(text.words))
    ]


def _as_a_word(expression: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w`/-])(?:{expression})(?![\w`/]|-\w)", re.IGNORECASE)


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("word", PROSE)
def test_text_for_users_has_none_of_the_words_that_are_out(word: str, part: str) -> None:
    assert not replaced(word, PROSE[word], with_words_that_are_out(part))


@pytest.mark.parametrize("word", IDENTIFIERS)
def test_names_have_none_of_the_words_that_are_out(word: str) -> None:
    assert not replaced(word, IDENTIFIERS[word], names_in_words())


@pytest.mark.parametrize("part", PARTS)
def test_there_is_text_to_read(part: str) -> None:
    assert len(part_of(part)) > 500


@pytest.mark.parametrize("line", ["It is told.", "Told by AWS", "(told)"])
def test_a_word_that_is_out_is_found_with_its_replacement(line: str) -> None:
    (found,) = replaced("told", "say", [Text("a.md", 7, line)])
    assert found.startswith("a.md:7: ")
    assert "write “say” instead" in found


@pytest.mark.parametrize("line", ["a foretold end", "`told`", "--told", "told_by"])
def test_a_word_within_another_or_in_code_is_not_one(line: str) -> None:
    assert replaced("told", "say", [Text("a.md", 7, line)]) == []


ALL = "\n".join(path.read_text() for path in documents())
OURS = {kind.finalizer.removeprefix(f"{GROUP}/") for kind in KINDS} | {
    value.removeprefix(f"{GROUP}/").rstrip("-")
    for name, value in vars(names).items()
    if name.isupper() and isinstance(value, str) and value.startswith(f"{GROUP}/") and value != names.API_VERSION
}
"""Annotations, labels, tags and finalizers of the operator, without its prefix."""


@pytest.mark.parametrize("name", sorted(OURS))
def test_each_annotation_label_tag_and_finalizer_is_documented(name: str) -> None:
    assert re.search(rf"`(?:[^`\n]*[/ ])?{name}(?![a-z])[^`\n]*`", ALL)


def test_documents_name_only_annotations_labels_tags_and_finalizers_that_exist() -> None:
    named = set(re.findall(rf"{re.escape(GROUP)}/([a-z]+(?:-[a-z]+)*)", ALL)) - {"v"}
    metadata_of_examples = {"research", "scratch"}
    assert named - metadata_of_examples <= OURS


@pytest.mark.parametrize("flag", sorted({option.opts[0] for command in (run, policies) for option in command.params}))
def test_each_flag_is_documented_or_set_by_the_chart(flag: str) -> None:
    arguments = (CHART / "templates" / "_arguments.tpl").read_text()
    assert re.search(rf"{flag}(?![a-z-])", ALL + arguments)


def test_documents_name_only_metrics_that_exist() -> None:
    known = {instrument.name for instrument in instruments(KINDS)}
    named = {
        re.sub("_(bucket|sum|count)$", "", name) for name in re.findall(r"`?\b(hyperpod_(?:operator|node)_\w+)", ALL)
    }
    families = {name for name in named if any(one.startswith(f"{name}_") for one in known)}
    assert named - families - {"hyperpod_operator_"} <= known | {"hyperpod_operator"}


def test_documents_name_only_values_of_the_chart_that_exist() -> None:
    rows = values_of_the_chart()
    tops = {row.split(".")[0] for row in rows}
    named = set(re.findall(r"`([a-z][A-Za-z]*(?:\.[A-Za-z]+)+)(?:=[^`]*)?`", ALL))
    ours = {name for name in named if name.split(".")[0] in tops}
    assert ours
    unknown = {
        name
        for name in ours
        if not any(row == name or row.startswith(f"{name}.") or name.startswith(f"{row}.") for row in rows)
    }
    assert not unknown


KUBERNETES_OWN = {"spec.nodeName", "spec.providerID", "spec.unschedulable", "spec.versions"}
"""Fields of Nodes, pods and definitions that documents name."""
FIELD = re.compile(
    r"`(?!\w+\.(?:json|txt)`)\.?([a-z]\w*(?:\[[^\]`]*\])?(?:\.[a-z]\w*(?:\[[^\]`]*\])?)+)(?:[:=][^`\n]*)?`"
)
"""A path of two members or more in backquotes, with or without a value behind it: `spec.tags`, `a[].b: Retain`."""


def paths(known: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for inner in (known.get("items"), known.get("additionalProperties")):
        if isinstance(inner, Mapping):
            yield from paths(inner)
    for name, inner in known.get("properties", {}).items():
        yield (name,)
        yield from ((name, *path) for path in paths(inner))


def fields_that_do_not_exist(text: str) -> set[str]:
    """Paths that begin with a member of our kinds that has members, and go on with none of them."""
    known = {path for one in DEFINITIONS for path in paths(schema(one))}
    ends = {path[start:] for path in known for start in range(len(path))}
    parents = {end[0] for end in ends if len(end) > 1}
    named = {re.sub(r"\[[^\]]*\]", "", path) for path in FIELD.findall(text)}
    parts = {name: tuple(name.split(".")) for name in named - KUBERNETES_OWN - values_of_the_chart()}
    return {name for name, path in parts.items() if path[0] in parents and path not in ends}


def values_of_the_chart() -> set[str]:
    return set(re.findall(r"^\| `([A-Za-z.]+)` \|", (CHART / "README.md").read_text(), re.MULTILINE))


def test_documents_and_messages_name_only_fields_that_exist() -> None:
    messages = "\n".join(text.words for text in part_of("strings"))
    assert fields_that_do_not_exist(f"{ALL}\n{messages}") == set()


def test_a_field_that_does_not_exist_is_noticed() -> None:
    text = "Set `spec.reclaimPolicy: Delete` or `instanceGroups[].management.owner`, not `spec.management.paused`."
    assert fields_that_do_not_exist(text) == {"spec.reclaimPolicy", "instanceGroups.management.owner"}


def test_tables_of_reasons_name_reasons_that_exist() -> None:
    tables = re.findall(r"^\| Reason of Ready .*\n\|[-|]+\n((?:\|.*\n)+)", ALL, re.MULTILINE)
    named = {
        word for table in tables for row in table.splitlines() for word in re.findall(r"`(\w+)`", row.split("|")[1])
    }
    assert len(named) > 20
    assert named <= set(Reason)


@pytest.mark.parametrize("word", ["NodeFenced", "NodeFreed"])
def test_a_reason_that_was_renamed_is_named_nowhere(word: str) -> None:
    assert word not in {*map(str, Reason), *map(str, ConditionType)}
    assert word not in ALL
    assert not [path for path in ROOT.glob("gitops/**/*.lua") if word in path.read_text()]
