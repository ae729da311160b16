"""Labels on all Nodes: HyperPod's are read from what is held, and only the others are listed."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from tests.unit.kube.nodes.scripted import LoopClock, ScriptedApi, node_body, page

from hyperpod_operator.kube.nodes.informer import NodeCache
from hyperpod_operator.kube.nodes.labels import KubeNodeLabels

PREFIX = "hyperpod-operator.dev/vol-"
OURS = {f"{PREFIX}1": "attached"}


@dataclass
class Held:
    holds_all: bool = True
    nodes: dict[str, Mapping[str, str]] = field(default_factory=dict)

    def labels(self) -> Iterator[tuple[str, Mapping[str, str]]]:
        return iter(self.nodes.items())


@dataclass
class Listing:
    """An API server that answers every list with the same pages."""

    pages: list[dict[str, dict[str, str]]] = field(default_factory=lambda: [{}])
    queries: list[dict[str, str]] = field(default_factory=list)

    async def get(self, path: str, *, query: Mapping[str, str], accept: str = "") -> dict[str, Any]:
        assert (path, "PartialObjectMetadataList" in accept) == ("/api/v1/nodes", True)
        number = int(query.get("continue", "0"))
        self.queries.append(dict(query))
        items = [{"metadata": {"name": name, "labels": labels}} for name, labels in self.pages[number].items()]
        following = {"continue": str(number + 1)} if number + 1 < len(self.pages) else {}
        return {"metadata": following, "items": items}


def labels(listing: Listing, held: Held) -> KubeNodeLabels:
    return KubeNodeLabels(listing, held=held)  # type: ignore[arg-type]


async def test_of_nodes_that_are_held_nothing_is_listed() -> None:
    listing = Listing(pages=[{"other": {f"{PREFIX}2": ""}}, {"without": {}}])
    found = await labels(listing, Held(nodes={"ours": OURS, "twin": OURS, "bare": {}})).labelled(prefixes=[PREFIX])
    assert found == {"ours": {f"{PREFIX}1"}, "twin": {f"{PREFIX}1"}, "other": {f"{PREFIX}2"}}
    assert {query["labelSelector"] for query in listing.queries} == {"sagemaker.amazonaws.com/compute-type!=hyperpod"}
    assert len(listing.queries) == 2


async def test_all_are_listed_while_some_are_not_held() -> None:
    listing = Listing(pages=[{"ours": OURS}])
    found = await labels(listing, Held(holds_all=False, nodes={"gone": OURS})).labelled(prefixes=[PREFIX])
    assert found == {"ours": {f"{PREFIX}1"}}
    assert "labelSelector" not in listing.queries[0]


async def test_what_a_selector_chooses_is_read_page_by_page() -> None:
    listing = Listing(pages=[{"one": {}}, {"two": {}}])
    assert await labels(listing, Held()).selected(selector={"b": "2", "a": "1"}) == {"one", "two"}
    assert {query["labelSelector"] for query in listing.queries} == {"a=1,b=2"}


@pytest.mark.looptime
@pytest.mark.parametrize("strange", [False, True])
async def test_nodes_are_all_held_unless_one_has_the_label_and_no_instance(strange: bool) -> None:
    body = node_body(1)
    if strange:
        body["spec"]["providerID"] = "kind://other"
    scripted = ScriptedApi(lists=[(page(body),)])
    cache = NodeCache(scripted, clock=LoopClock(), random=lambda: 1.0, on_change=lambda _: None)
    found = [cache.holds_all]
    task = asyncio.create_task(cache.run())
    await asyncio.sleep(1)
    assert [*found, cache.holds_all] == [False, not strange]
    assert [name for name, _ in cache.labels()] == ([] if strange else [body["metadata"]["name"]])
    task.cancel()
    await asyncio.wait([task])
