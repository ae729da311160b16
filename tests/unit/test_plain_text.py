"""Foreign text goes through one function at every way out: status, Events, logs, the terminal."""

import io
import logging
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from click.testing import CliRunner
from tests.unit.core.builders import NOW
from tests.unit.runtime.test_logs import untouched_logging

from hyperpod_operator import cli
from hyperpod_operator.api.kinds import CLUSTER
from hyperpod_operator.api.names import ConditionType, Reason
from hyperpod_operator.core.engine.conditions import settle
from hyperpod_operator.core.ports import Event, Key, StoredObject
from hyperpod_operator.kube.client import ApiServer
from hyperpod_operator.kube.events.recorder import EventRecorder
from hyperpod_operator.kube.objects import CustomObjects
from hyperpod_operator.runtime import logs

FOREIGN = "ok\x1b[2K\x1b]0;t\x07 \u202eevil\u200b\r\nlevel=FATAL"
PLAIN = "ok evil level=FATAL"

__all__ = ["untouched_logging"]


class Clock:
    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)

    def monotonic(self) -> float:
        return 1.0


class Server:
    """Takes every write and keeps its body."""

    def __init__(self) -> None:
        self.bodies: list[Any] = []

    async def create(self, _path: str, body: Any) -> Any:
        self.bodies.append(body)
        return body

    async def merge_patch(self, _path: str, body: Any) -> Any:
        self.bodies.append(body)
        metadata = {"namespace": "team", "name": "blue", "uid": "u", "resourceVersion": "8"}
        return {"metadata": metadata, "status": body["status"]}


STORED = StoredObject(
    key=Key("team", "blue"),
    uid="u",
    resource_version="7",
    generation=1,
    deleting=False,
    finalizers=(),
    annotations={},
    body={"apiVersion": "hyperpod-operator.dev/v1alpha1", "kind": "HyperPodCluster"},
)


def test_a_condition() -> None:
    draft = (ConditionType.READY, "False", Reason.PAUSED, FOREIGN)
    (made,) = settle(table=CLUSTER.table, drafts=[draft], before=[], generation=1, now=NOW)
    assert made.message == PLAIN


async def test_whatever_else_is_written_to_status() -> None:
    server = Server()
    objects = CustomObjects(cast(ApiServer, server), CLUSTER)
    await objects.write_status(STORED, {"failureMessage": FOREIGN, "nodes": {"list": [{"name": FOREIGN}]}})
    assert server.bodies[0]["status"] == {"failureMessage": PLAIN, "nodes": {"list": [{"name": PLAIN}]}}


async def test_an_event() -> None:
    server = Server()
    recorder = EventRecorder(cast(ApiServer, server), clock=Clock(), dropped=lambda _: None)
    recorder.publish(about=STORED, event=Event(type="Normal", reason=Reason.PAUSED, action=FOREIGN, message=FOREIGN))
    await recorder.stop()
    assert (server.bodies[0]["note"], server.bodies[0]["action"]) == (PLAIN, PLAIN)


@pytest.mark.parametrize("log_format", ["json", "text"])
@pytest.mark.usefixtures("untouched_logging")
def test_a_line_of_the_log(log_format: Any) -> None:
    stream = io.StringIO()
    logs.configure(log_format=log_format, stream=stream)
    log = logging.getLogger("hyperpod_operator.test")
    log.warning("AWS said %s", FOREIGN, extra={"target": FOREIGN})
    said = stream.getvalue()
    assert said.count(PLAIN) == 2
    assert said.endswith("\n")
    assert said[:-1].isprintable()


@pytest.mark.parametrize("log_format", ["json", "text"])
@pytest.mark.usefixtures("untouched_logging")
def test_a_traceback_in_the_log(log_format: Any) -> None:
    stream = io.StringIO()
    logs.configure(log_format=log_format, stream=stream)
    try:
        raise ValueError(FOREIGN)
    except ValueError:
        logging.getLogger("hyperpod_operator.test").exception("it broke")
    said = stream.getvalue()
    assert "evil" in said
    assert all(line.isprintable() for line in said.splitlines())
    assert "u202e" not in said


def test_what_a_start_that_fails_says_on_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    from hyperpod_operator.app import process

    async def failing(_: Any) -> None:
        raise process.StartError(f"first {FOREIGN}\nsecond")

    monkeypatch.setattr(process, "run", failing)
    monkeypatch.setattr(logs, "configure", lambda **_: None)
    done = CliRunner().invoke(cli.main, ["run"])
    assert done.exit_code == cli.CONFIGURATION_FAULT
    assert "evil" in done.output
    assert all(line.isprintable() for line in done.output.splitlines())
