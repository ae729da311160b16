"""Lua as Argo CD runs it: the base library, tables, and an `os` that only tells the time.

Argo CD opens `package`, base, `table` and its own `os` for users' scripts (util/lua in argoproj/argo-cd), although its
tests open everything: a script that needs more passes there and fails on a cluster. So everything else is closed here,
by all three doors: the global, `require`, and methods of strings.

Instructions are counted, not milliseconds: a noisy machine changes the one and not the other.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lupa.luajit21 import LuaRuntime, lua_type

SANDBOX = """
local sethook, load = debug.sethook, loadstring
jit.off()
for _, name in ipairs({'string', 'io', 'math', 'debug', 'coroutine', 'bit', 'jit', 'ffi'}) do
  _G[name], package.loaded[name], package.preload[name] = nil, nil, nil
end
getmetatable('').__index = {}
os = { date = os.date, time = os.time }
package.loaded['os'] = os
return function(text)
  local script = assert(load(text))
  local steps = 0
  sethook(function() steps = steps + 1 end, '', 1)
  local fine, found = pcall(script)
  sethook()
  if not fine then error(found, 0) end
  return found, steps
end
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a script returned, as plain Python, and how many instructions that took."""

    value: Any
    instructions: int


def execute(text: str, obj: Mapping[str, Any] | None = None) -> Answer:
    """Raises lupa's LuaError when the script does."""
    lua = LuaRuntime(unpack_returned_tuples=True, register_eval=False, register_builtins=False)
    inside = lua.execute(SANDBOX)
    lua.globals().obj = _lua(lua, obj)
    value, instructions = inside(text)
    return Answer(value=_plain(value), instructions=instructions)


def run(script: Path, obj: Mapping[str, Any] | None = None) -> Any:
    """What the script returns for this object."""
    return execute(script.read_text(), obj).value


def _lua(lua: LuaRuntime, value: Any) -> Any:
    if isinstance(value, Mapping):
        return lua.table_from({key: _lua(lua, item) for key, item in value.items()})
    if isinstance(value, list | tuple):
        return lua.table_from([_lua(lua, item) for item in value])
    return value


def _plain(value: Any) -> Any:
    if lua_type(value) != "table":
        return value
    keys = list(value)
    if keys and keys == list(range(1, len(keys) + 1)):
        return [_plain(value[key]) for key in keys]
    return {key: _plain(value[key]) for key in keys}
