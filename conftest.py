"""What holds for the tests of every folder, those of the benchmarks among them."""

import gc
from collections.abc import Generator
from typing import Any

import pytest
from pytest_asyncio.plugin import PytestAsyncioFunction


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection() -> Generator[None, Any, Any]:
    """Keep the garbage collector from looking at what every worker holds from here to its end: millions of objects.

    While modules are imported and tests are collected nearly nothing becomes garbage, and each full collection goes
    through all of it.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


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
