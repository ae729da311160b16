"""Where mutations start: the examples that users copy, and each of them grown to all that its rules let it have."""

import random
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from hypothesis import Phase, find, settings
from hypothesis.errors import NoSuchExample
from hypothesis.strategies import SearchStrategy
from tests.generated.edits import Edit, additions
from tests.generated.schema import Known, known

from hyperpod_operator.api.names import CLUSTER_KIND

Spec = dict[str, Any]
EXAMPLES = Path(__file__).parents[2] / "examples"
ROUNDS = 2
"""A member that is added may have members of its own to add."""
FIRST = settings(database=None, max_examples=20, phases=(Phase.generate,))
"""The first value that comes is as good as any."""


@cache
def examples() -> tuple[Spec, ...]:
    """The specs of the examples, the smallest first."""
    read = [yaml.safe_load(path.read_text()) for path in sorted(EXAMPLES.glob("*.yaml"))]
    specs = [item["spec"] for item in read if item["kind"] == CLUSTER_KIND]
    return tuple(sorted(specs, key=lambda spec: len(str(spec))))


@cache
def seen() -> Known:
    return known(*examples())


def grown(spec: Spec, *, admits: Callable[[Spec], bool], seed: int) -> Spec:
    """The spec with every property added, in an order of chance, that is admitted beside those before it."""
    chance = random.Random(seed)
    for _ in range(ROUNDS):
        news = additions(spec, seen())
        chance.shuffle(news)
        for path, strategy in news:
            for value in _smallest(strategy):
                bigger = Edit("added", path, value).on(spec)
                spec = bigger if admits(bigger) else spec
    return spec


def _smallest(strategy: SearchStrategy[Any]) -> Iterator[Any]:
    try:
        yield find(strategy, lambda value: value not in ({}, []), settings=FIRST, random=random.Random(0))
    except NoSuchExample:
        yield {}
