"""A profile: options of the simulator in a JSON file, so that a record of AWS can set them.

`{"options": {"clusters_per_eks": "one", "read_lag": {"ListTags": 4.0}}}`; what it does not name keeps its default.
"""

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from hyperpod_testbed.simulator.options import Options

_KEY = "options"


def write(options: Options) -> str:
    """The text of a profile with the options that are not the default."""
    default = Options()
    changed = {
        one.name: _plain(getattr(options, one.name))
        for one in fields(Options)
        if getattr(options, one.name) != getattr(default, one.name)
    }
    return json.dumps({_KEY: changed}, indent=2, sort_keys=True) + "\n"


def read(text: str) -> Options:
    """The options of a profile; ValueError says what is wrong with it."""
    content = json.loads(text)
    if not isinstance(content, dict) or set(content) != {_KEY} or not isinstance(content[_KEY], dict):
        raise ValueError(f"a profile is a JSON object with the one member `{_KEY}`, an object of options")
    return Options().changed(**content[_KEY])


def answering(options: Options, answers: Mapping[str, Any]) -> Options:
    """The options with these answers; `option.entry` names an entry of an option that is a mapping."""
    for name, value in answers.items():
        option, _, entry = name.partition(".")
        if entry:
            value = {**getattr(options, option), entry: value}
        options = options.changed(**{option: value})
    return options


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else value
