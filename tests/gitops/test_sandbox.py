"""The sandbox is as poor as Argo CD's: a script that passes here does not lack anything there."""

import pytest
from lupa.luajit21 import LuaError
from tests.gitops.sandbox import execute


@pytest.mark.parametrize("name", ["string", "io", "math", "debug", "coroutine"])
def test_a_closed_library_is_closed_by_its_global(name: str) -> None:
    assert execute(f"return {{ there = {name} ~= nil }}").value == {"there": False}


@pytest.mark.parametrize("name", ["string", "io", "math", "debug", "coroutine"])
def test_a_closed_library_is_closed_by_require(name: str) -> None:
    with pytest.raises(LuaError):
        execute(f"return require('{name}')")


def test_strings_have_no_methods() -> None:
    with pytest.raises(LuaError):
        execute("local word = 'a' return word:upper()")


def test_os_tells_the_time_and_no_more() -> None:
    assert execute("return { date = os.date ~= nil, run = os.execute ~= nil }").value == {"date": True, "run": False}


def test_more_work_counts_more_instructions() -> None:
    few, many = (execute(f"for i = 1, {rounds} do local a = i end return 1").instructions for rounds in (10, 1000))
    assert few < many
