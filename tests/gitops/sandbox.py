"""Lua as Argo CD runs it: tables and a safe `os`, and nothing else of Lua's libraries.

Source: argo-cd, util/lua (runLuaWithResourceActions opens package, base, table and os).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lupa.luajit21 import LuaRuntime, lua_type

CLOSE = """
for _, name in ipairs({'string', 'io', 'math', 'debug', 'coroutine', 'bit', 'jit', 'ffi'}) do
  _G[name] = nil
  package.loaded[name] = nil
  package.preload[name] = nil
end
getmetatable('').__index = {}
local date, time = os.date, os.time
os = { date = date, time = time }
package.loaded['os'] = os
"""


def run(script: Path, obj: Mapping[str, Any] | None = None) -> Any:
    """What the script returns for this object, as plain Python."""
    lua = LuaRuntime(unpack_returned_tuples=True, register_eval=False, register_builtins=False)
    lua.execute("getmetatable('').__index = getmetatable('').__index")
    lua.execute(CLOSE)
    lua.globals().obj = _lua(lua, obj)
    return _plain(lua.execute(script.read_text()))


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
