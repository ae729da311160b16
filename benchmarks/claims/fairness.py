"""A quiet tenant next to a noisy one: its first status while 400 objects of another wait or are annotated.

With the operator's default pace in front of AWS: the pace is what the namespaces share. Every object is paused, so a
pass is one DescribeCluster and one status. The quiet objects come one after the other; the slowest counts.
"""

import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.claims.terms import Terms
from benchmarks.environment import BenchmarkError, Environment
from benchmarks.figure import Figure
from hyperpod_operator.api.names import API_VERSION, CLUSTER_KIND, CLUSTER_PLURAL, RECONCILE_REQUESTED_AT

NOISY, QUIET = "noisy", "quiet"
COUNT = 400
ROUNDS = 3
GOAL = 3.0
PATIENCE = 300.0
LOOK = 0.02
"""Seconds between two looks at the quiet object: the error of the figure."""
SPEC = {
    "orchestrator": {"eks": {"clusterArn": "arn:aws:eks:us-west-2:111122223333:cluster/ml"}},
    "vpcConfig": {"securityGroupIds": ["sg-0123456789abcdef0"], "subnets": ["subnet-0123456789abcdef0"]},
    "instanceGroups": [
        {
            "instanceGroupName": "w",
            "instanceType": "ml.m5.2xlarge",
            "instanceCount": 0,
            "executionRole": "arn:aws:iam::111122223333:role/a",
        }
    ],
    "management": {"paused": True},
}


class Tenant:
    """Whoever writes objects of one namespace, over one kept-alive connection."""

    def __init__(self, env: Environment, namespace: str) -> None:
        self._connection = env.connection()
        self._namespace = namespace
        self._path = f"/apis/{API_VERSION}/namespaces/{namespace}/{CLUSTER_PLURAL}"

    def come(self) -> None:
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self._namespace}}
        self._ask("POST", "/api/v1/namespaces", body)

    def create(self, name: str) -> None:
        metadata = {"name": name, "namespace": self._namespace}
        self._ask(
            "POST", self._path, {"apiVersion": API_VERSION, "kind": CLUSTER_KIND, "metadata": metadata, "spec": SPEC}
        )

    def annotate(self, name: str, value: str) -> None:
        body = {"metadata": {"annotations": {RECONCILE_REQUESTED_AT: value}}}
        self._ask("PATCH", f"{self._path}/{name}", body, kind="application/merge-patch+json")

    def first_status(self, name: str) -> float:
        """Seconds until the object has a status; it is created now."""
        started = time.monotonic()
        self.create(name)
        while not self._ask("GET", f"{self._path}/{name}").get("status"):
            if time.monotonic() - started > PATIENCE:
                raise BenchmarkError(f"the object {self._namespace}/{name} has no status after {PATIENCE:.0f} s")
            time.sleep(LOOK)
        return time.monotonic() - started

    def close(self) -> None:
        self._connection.close()

    def _ask(self, method: str, path: str, body: object = None, *, kind: str = "application/json") -> dict[str, object]:
        sent = json.dumps(body) if body is not None else None
        self._connection.request(method, path, body=sent, headers={"Content-Type": kind})
        answer = self._connection.getresponse()
        said = answer.read()
        if answer.status not in {http.client.OK, http.client.CREATED}:
            raise BenchmarkError(f"{method} {path}: {answer.status} {said.decode(errors='replace')[:200]}")
        found: dict[str, object] = json.loads(said)
        return found


def measure(terms: Terms) -> list[Figure]:
    with terms.environment() as env, env.operator() as operator:
        noisy, quiet = Tenant(env, NOISY), Tenant(env, QUIET)
        noisy.come()
        quiet.come()
        operator.wait_ready()
        alone = quiet.first_status("alone")
        objects = [f"n{number:04d}" for number in range(COUNT)]
        for name in objects:
            noisy.create(name)
        contended = max(quiet.first_status(f"contended-{number}") for number in range(ROUNDS))
        with annotated(env, objects):
            under = max(quiet.first_status(f"under-{number}") for number in range(ROUNDS))
        noisy.close()
        quiet.close()
    said = f"quiet tenant next to {COUNT} noisy objects, first status"
    return [
        Figure(name="quiet tenant alone, first status", value=alone, unit="s"),
        Figure(name=said, value=contended, unit="s", most=GOAL),
        Figure(name=f"{said}, while they are annotated in a loop", value=under, unit="s", most=GOAL),
    ]


@contextmanager
def annotated(env: Environment, objects: list[str]) -> Iterator[None]:
    """A second connection asks for passes of all objects, one after the other, as fast as it is answered."""
    tenant, enough, failed = Tenant(env, NOISY), threading.Event(), list[Exception]()

    def loop() -> None:
        number = 0
        try:
            while not enough.is_set():
                number += 1
                tenant.annotate(objects[number % len(objects)], str(number))
        except Exception as error:  # told in the thread that waits
            failed.append(error)

    thread = threading.Thread(target=loop, daemon=True)
    thread.start()
    time.sleep(1)
    try:
        yield
    finally:
        enough.set()
        thread.join()
        tenant.close()
    if failed:
        raise BenchmarkError(f"the noisy objects could not be annotated: {failed[0]}") from failed[0]
