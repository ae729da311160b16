"""An API server of dicts for the plugin: objects by path, refusals by path, and what was sent."""

import json
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from click.testing import CliRunner, Result
from tests.unit.core.explain import worlds

from kubectl_hyperpod.cluster.answer import Answer
from kubectl_hyperpod.cluster.api import Api
from kubectl_hyperpod.cluster.kubeconfig import Choice, Target
from kubectl_hyperpod.errors import CommandError
from kubectl_hyperpod.main import main
from kubectl_hyperpod.session import Session

LISTS = ("hyperpodclusters", "ebsvolumeclaims", "events", "nodes", "pods", "hyperpodnodeoperations")
OURS = "/apis/hyperpod-operator.dev/v1alpha1/namespaces/team"
EVENTS = "/apis/events.k8s.io/v1/namespaces/team/events"
LEASES = "/apis/coordination.k8s.io/v1/leases"
NODE = {
    "metadata": {
        "name": "hyperpod-i-0123456789abcdef0",
        "creationTimestamp": worlds.SINCE,
        "labels": {
            "sagemaker.amazonaws.com/compute-type": "hyperpod",
            "sagemaker.amazonaws.com/instance-group-name": "gpu",
            "sagemaker.amazonaws.com/node-health-status": "Schedulable",
            "node.kubernetes.io/instance-type": "ml.p5.48xlarge",
        },
    },
    "spec": {"providerID": "aws:///usw2-az1/sagemaker/cluster/hyperpod-abcdefghijkl-i-0123456789abcdef0"},
    "status": {"conditions": [{"type": "Ready", "status": "True"}]},
}


@dataclass
class FakeServer:
    """`objects` by path: an object, or a list of objects. `refused` by path: HTTP status of any request."""

    objects: dict[str, Any] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    served: bool = True
    sent: list[tuple[str, str, Any]] = field(default_factory=list)
    watched: list[list[Any] | CommandError] = field(default_factory=list)
    """By watch, its changes, or how it fails."""
    made: dict[str, Any] = field(default_factory=lambda: {"kind": "Done", "metadata": {"name": "made-x"}})
    """The answer to whatever changes something."""
    date: datetime | None = None
    """The server's clock, where its answers say it."""
    bare: bool = False
    """Whether refusals name no object, as for a kind that is not served."""

    def send(self, method: str, path: str, *, body: Any = None, content_type: str = "application/json") -> Answer:
        return replace(self._answer(method, path, body), date=self.date)

    def _answer(self, method: str, path: str, body: Any) -> Answer:
        self.sent.append((method, path, body))
        plain, _, _ = urllib.parse.unquote(path).partition("?")
        if status := self.refused.get(plain):
            details = {} if self.bare else {"name": "x"}
            return Answer(status=status, body={"message": f"refused: {plain}", "details": details})
        if "hyperpod-operator.dev" in plain and not self.served:
            return Answer(status=404, body={"kind": "Status", "message": "the server could not find it", "details": {}})
        if method != "GET":
            return Answer(status=200, body=self.made)
        found = self.objects.get(plain)
        if isinstance(found, list):
            return Answer(status=200, body={"items": found, "metadata": {}})
        if found is None and plain.rpartition("/")[2] in (
            "hyperpodclusters",
            "ebsvolumeclaims",
            "events",
            "nodes",
            "pods",
        ):
            return Answer(status=200, body={"items": [], "metadata": {}})
        if found is None:
            return Answer(status=404, body={"message": f"{plain} not found", "details": {"name": plain}})
        return Answer(status=200, body=found)

    def lines(self, path: str, *, timeout: float) -> Iterator[bytes]:
        del path, timeout
        changes = self.watched.pop(0) if self.watched else []
        if isinstance(changes, CommandError):
            raise changes
        for change, seen in changes:
            yield json.dumps({"type": change, "object": seen}).encode()


def server(
    *clusters: dict[str, Any], claims: tuple[dict[str, Any], ...] = (), operations: tuple[dict[str, Any], ...] = ()
) -> FakeServer:
    """A server with the operator's Lease and these objects, each by itself and in its list."""
    objects: dict[str, Any] = {
        f"{OURS}/hyperpodclusters": [*clusters],
        f"{OURS}/ebsvolumeclaims": [*claims],
        f"{OURS}/hyperpodnodeoperations": [*operations],
        LEASES: [worlds.LEASE],
        "/api/v1/nodes": [NODE],
        "/api/v1/namespaces/team": {"metadata": {"name": "team"}},
    }
    kinds = (("hyperpodclusters", clusters), ("ebsvolumeclaims", claims), ("hyperpodnodeoperations", operations))
    for plural, found in kinds:
        objects |= {f"{OURS}/{plural}/{one['metadata']['name']}": one for one in found}
    return FakeServer(objects=objects)


def session(fake: FakeServer) -> Session:
    """A session of namespace `team` at the time of the recorded worlds."""
    made = Session(choice=Choice(namespace="team"), now=lambda: worlds.NOW, connect=lambda _: Api(fake))
    made.__dict__["target"] = Target(server="https://server", namespace="team", context="test")
    return made


def run(fake: FakeServer, *words: str, input: str | None = None) -> Result:  # noqa: A002 - click's own name
    """The command line against the server."""
    return CliRunner().invoke(main, words, obj=session(fake), input=input)
