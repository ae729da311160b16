"""Log records: one line, one set of keys, whoever wrote them."""

import asyncio
import io
import json
import logging
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from hyperpod_operator.core.audit import AuditRecord
from hyperpod_operator.core.engine.call import Effect
from hyperpod_operator.core.ports import Key
from hyperpod_operator.runtime import logs
from hyperpod_operator.runtime.audit import AuditTrail


@pytest.fixture(autouse=True)
def untouched_logging() -> Iterator[None]:
    root = logging.getLogger()
    before = (root.handlers[:], root.level, sys.excepthook, threading.excepthook)
    levels = {name: logging.getLogger(name).level for name in logs.QUIET}
    yield
    logging.captureWarnings(capture=False)
    root.handlers[:], root.level, sys.excepthook, threading.excepthook = before
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def log(stream: io.StringIO) -> logging.Logger:
    logs.configure(stream=stream)
    return logging.getLogger("hyperpod_operator.test")


def records(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_every_record_has_the_same_first_keys(log: logging.Logger, stream: io.StringIO) -> None:
    log.info("one %d", 1)
    with logs.about(Key("team", "blue")):
        log.warning("two", extra={"operation": "CreateCluster"})
    one, two = records(stream)
    assert tuple(one) == logs.KEYS
    assert tuple(two) == (*logs.KEYS, "operation")
    assert (one["message"], one["level"], one["logger"]) == ("one 1", "INFO", "hyperpod_operator.test")
    assert (two["namespace"], two["name"], two["operation"]) == ("team", "blue", "CreateCluster")
    assert (one["namespace"], one["name"]) == ("", "")
    assert one["time"].endswith("Z")


def test_an_extra_keeps_its_structure_and_its_texts_are_plain(log: logging.Logger, stream: io.StringIO) -> None:
    log.info("hello", extra={"entry": {"call": "Create\x1b[1mCluster", "generation": 3, "changes": ["a", "b"]}})
    assert records(stream)[0]["entry"] == {"call": "CreateCluster", "generation": 3, "changes": ["a", "b"]}


def test_an_audit_record_is_an_object_in_its_line(log: logging.Logger, stream: io.StringIO) -> None:
    entry = AuditRecord(
        kind="HyperPodCluster", key=Key("team", "blue"), call="CreateCluster", outcome="Accepted", effect=Effect.ADDS
    )
    AuditTrail(now=lambda: datetime.now(UTC)).record(entry)
    assert records(stream)[0]["audit"] == dict(entry.fields())


def test_an_extra_cannot_take_the_place_of_a_key(log: logging.Logger, stream: io.StringIO) -> None:
    with logs.about(Key("team", "blue")):
        log.info("hello", extra={"namespace": "liar"})
    assert records(stream)[0]["namespace"] == "team"


async def test_tasks_of_a_pass_write_about_its_object(log: logging.Logger, stream: io.StringIO) -> None:
    async def deep() -> None:
        log.info("deep")

    with logs.about(Key("team", "blue")):
        await asyncio.create_task(deep())
    log.info("after")
    assert [record["name"] for record in records(stream)] == ["blue", ""]


def test_a_traceback_stays_in_its_record(log: logging.Logger, stream: io.StringIO) -> None:
    try:
        raise ValueError("boom")
    except ValueError:
        log.exception("it broke")
    (record,) = records(stream)
    assert "ValueError: boom" in record["exception"]


def test_an_endless_message_is_capped(log: logging.Logger, stream: io.StringIO) -> None:
    log.info("%s", "x" * 100_000)
    assert len(records(stream)[0]["message"]) == logs.LONGEST_MESSAGE


def test_kopfs_bodies_about_inconsistent_patches_are_dropped(log: logging.Logger, stream: io.StringIO) -> None:
    logging.getLogger("kopf.objects").warning("Merge-patching finished with inconsistencies: (%s)", "x" * 100)
    assert stream.getvalue() == ""


@pytest.mark.parametrize(
    ("said", "level"),
    [
        ("Request attempt #1/5 failed; will retry: GET https://api -> APITooManyRequestsError()", "WARNING"),
        ("Request attempt #5/5 failed; escalating: GET https://api -> APITooManyRequestsError()", "ERROR"),
    ],
)
def test_a_request_that_kopf_sends_again_is_no_error_yet(
    log: logging.Logger, stream: io.StringIO, said: str, level: str
) -> None:
    logging.getLogger("kopf._cogs.clients.watching").error(said)
    assert [(record["level"], record["message"]) for record in records(stream)] == [(level, said)]


def test_who_wants_errors_alone_reads_of_no_request_that_kopf_sends_again(stream: io.StringIO) -> None:
    logs.configure(level="ERROR", stream=stream)
    logging.getLogger("kopf._cogs.clients.watching").error("Request attempt #1/5 failed; will retry: GET x -> E()")
    assert stream.getvalue() == ""


@pytest.mark.parametrize("name", ["kopf.objects", "kopf.activities.authentication", "botocore.credentials", "urllib3"])
def test_libraries_speak_only_when_something_is_wrong(log: logging.Logger, stream: io.StringIO, name: str) -> None:
    logging.getLogger(name).info("Handler 'enqueue' succeeded.")
    logging.getLogger(name).warning("trouble")
    assert [record["message"] for record in records(stream)] == ["trouble"]


def test_text_is_for_people(stream: io.StringIO) -> None:
    logs.configure(log_format="text", stream=stream)
    with logs.about(Key("team", "blue")):
        logging.getLogger("x").warning(
            "two", extra={"operation": "CreateCluster", "audit": {"effect": Effect.DESTROYS}}
        )
    line = stream.getvalue()
    assert line.endswith('WARNING x team/blue two operation=CreateCluster audit={"effect": "Destroys"}\n')


def test_an_uncaught_exception_is_one_record(log: logging.Logger, stream: io.StringIO) -> None:
    error = ValueError("boom")
    sys.excepthook(ValueError, error, None)
    (record,) = records(stream)
    assert (record["level"], record["exception"]) == ("CRITICAL", "ValueError: boom")


def test_an_uncaught_exception_of_a_thread_is_one_record(log: logging.Logger, stream: io.StringIO) -> None:
    thread = threading.Thread(target=lambda: 1 / 0)
    thread.start()
    thread.join()
    (record,) = records(stream)
    assert "ZeroDivisionError" in record["exception"]


async def test_an_exception_that_nobody_awaited_is_one_record(log: logging.Logger, stream: io.StringIO) -> None:
    loop = asyncio.get_running_loop()
    logs.catch_uncaught(loop)
    loop.call_exception_handler({"message": "Task exception was never retrieved", "exception": ValueError("boom")})
    (record,) = records(stream)
    assert "never retrieved" in record["message"]
    assert "boom" in record["exception"]


async def test_data_on_a_connection_that_was_just_closed_are_no_fault(log: logging.Logger, stream: io.StringIO) -> None:
    loop = asyncio.get_running_loop()
    logs.catch_uncaught(loop)
    error = RuntimeError("unable to perform operation on <TCPTransport closed=True>; the handler is closed")
    loop.call_exception_handler(
        {"message": "Fatal error on SSL protocol", "exception": error, "transport": asyncio.Transport()}
    )
    (record,) = records(stream)
    assert record["level"] == "WARNING"
    assert "A connection ended: Fatal error on SSL protocol: unable to perform" in record["message"]
    assert "Please report" not in record["message"]
