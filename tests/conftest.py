"""Fixtures that need more than one line: the real control plane, and a namespace in it."""

import inspect
import os
import secrets
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore import hooks
from botocore.hooks import EVENT_ALIASES, EventAliaser
from hypothesis import settings

from hyperpod_testbed.control_plane import ControlPlane
from hyperpod_testbed.fork_server import VARIABLE, ForkServer

HERE = Path(__file__).parent
CONTROL_PLANE_FOLDERS = frozenset({"chart", "generated", "integration", "testbed"})
"""The folders that the Makefile names for tests with the control plane."""

# Without bytecode each worker and each operator of a test compiles all that it imports: 2 to 20 s of CPU per start.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# A machine that does other things meanwhile is no fault of what is tested.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups in the same hook
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A test that uses the control plane is marked so: `make unit` leaves it out.

    With `--dist loadgroup` a file stays in one worker, because its tests share an operator, a simulator and sometimes a
    control plane. Slow tests share nothing: each is a group of its own. They start first, and then the files that take
    minutes (`early`), so that none of them is what everything else waits for at the end.
    """
    for item in items:
        if "control_plane" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.control_plane)
        if (reason := _left_out(item)) is not None:
            raise pytest.UsageError(reason)
    if getattr(config.option, "loadgroup", False):  # the name of the option in a worker
        items.sort(key=lambda item: [item.get_closest_marker(mark) is None for mark in ("slow", "early")])
        for item in items:
            slow = item.get_closest_marker("slow") is not None
            item.add_marker(pytest.mark.xdist_group(item.nodeid if slow else item.nodeid.partition("::")[0]))


def _left_out(item: pytest.Item) -> str | None:
    """Why `make test` would run an item in neither of its halves."""
    marked = item.get_closest_marker("control_plane") and not item.get_closest_marker("long")
    if not marked or item.path.relative_to(HERE).parts[0] in CONTROL_PLANE_FOLDERS:
        return None
    return f"{item.nodeid} needs the control plane: put it into one of {', '.join(sorted(CONTROL_PLANE_FOLDERS))}"


@pytest.fixture(scope="session", autouse=True)
def service_models() -> Iterator[None]:
    """botocore's files, read once for all sessions of the run.

    Each session reads and parses the models of its services and the table of endpoints (some 0.4 s of CPU), and most
    tests of controllers make a session of their own. Clients of one session share a loader, so sessions may, too. They
    also share the names of events, which each client works out from a constant table, and whether a handler takes any
    keyword is read from its code instead of its signature.
    """
    loader = botocore.session.Session().get_component("data_loader")
    names: dict[str, str] = {}
    made, by_signature = EventAliaser.__init__, hooks.accepts_kwargs

    def share(session: botocore.session.Session) -> None:
        session._components.register_component("data_loader", loader)

    def make(aliaser: EventAliaser, *args: Any, **more: Any) -> None:
        made(aliaser, *args, **more)
        if aliaser._event_aliases == EVENT_ALIASES:
            aliaser._alias_name_cache = names

    def accepts_kwargs(handler: Callable[..., Any]) -> object:
        code = getattr(handler, "__code__", None)
        return by_signature(handler) if code is None else code.co_flags & inspect.CO_VARKEYWORDS

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.session.Session, "_register_data_loader", share)
        patch.setattr(EventAliaser, "__init__", make)
        patch.setattr(hooks, "accepts_kwargs", accepts_kwargs)
        yield


@pytest.fixture(scope="session", autouse=True)
def fork_server(request: pytest.FixtureRequest) -> Iterator[None]:
    """Operators start by a fork of what they all load; it costs nothing until the first one does."""
    if sys.platform != "linux" or not any(item.get_closest_marker("control_plane") for item in request.session.items):
        yield
        return
    with ForkServer() as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, str(server.socket))
        yield


@pytest.fixture(scope="session")
def control_plane() -> Iterator[ControlPlane]:
    """One control plane for the whole run, or for each worker of it; tests keep apart by namespace."""
    with ControlPlane() as plane:
        yield plane


@pytest.fixture
def namespace(control_plane: ControlPlane) -> Iterator[str]:
    """A fresh namespace, deleted without waiting for the end of it."""
    name = f"test-{secrets.token_hex(4)}"
    control_plane.api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    yield name
    control_plane.api.delete("namespaces", name)
