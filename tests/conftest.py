"""Fixtures that need more than one line: the real control plane, and a namespace in it."""

import secrets
from collections.abc import Generator, Iterator
from typing import Any

import pytest
from hypothesis import settings
from pytest_asyncio.plugin import PytestAsyncioFunction

from hyperpod_testbed.control_plane import ControlPlane

# A machine that does other things meanwhile is no fault of what is tested.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test that uses the control plane is marked so: `make unit` leaves it out."""
    for item in items:
        if "control_plane" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.control_plane)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, Any, Any]:
    """Keep looptime's hook from making an event loop for a test that has none.

    It asks the policy for the loop of every test; for a plain function before the first asynchronous one, the
    policy makes a loop that nobody ever closes.
    """
    policy = pyfuncitem.funcargs.get("event_loop_policy")
    if policy is not None and not isinstance(pyfuncitem, PytestAsyncioFunction):
        policy.set_event_loop(None)
    return (yield)


@pytest.fixture(scope="session")
def control_plane() -> Iterator[ControlPlane]:
    """One control plane for the whole run; tests keep apart by namespace."""
    with ControlPlane() as plane:
        yield plane


@pytest.fixture
def namespace(control_plane: ControlPlane) -> Iterator[str]:
    """A fresh namespace, deleted without waiting for the end of it."""
    name = f"test-{secrets.token_hex(4)}"
    control_plane.kubectl("create", "namespace", name)
    yield name
    control_plane.kubectl("delete", "namespace", name, "--wait=false")
