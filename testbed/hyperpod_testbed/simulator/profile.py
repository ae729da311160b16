"""A profile: options and timings of the simulator in a JSON file, so that a record of AWS can set them.

`{"options": {"clusters_per_eks": "one", "read_lag": {"ListTags": 4.0}}, "timings": {"node_join": 90.0}}`; what it does
not name keeps its default.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Self

from hyperpod_testbed.simulator.options import Options, Timings


@dataclass(frozen=True, kw_only=True)
class Profile:
    """How the simulator answers, and how long AWS takes."""

    options: Options = field(default_factory=Options)
    timings: Timings = field(default_factory=Timings)

    def answering(self, answers: Mapping[str, Any]) -> Self:
        """With these answers; `option.entry` names an entry of an option that is a mapping."""
        options = self.options
        for name, value in answers.items():
            option, _, entry = name.partition(".")
            if entry:
                value = {**getattr(options, option), entry: value}
            options = options.changed(**{option: value})
        return replace(self, options=options)

    def taking(self, durations: Mapping[str, float]) -> Self:
        """With these durations in seconds. `a+b` names a sum: `a` stays as it is, and `b` takes the rest."""
        timings = self.timings
        for name, seconds in durations.items():
            *others, last = name.split("+")
            rest = seconds - sum(getattr(timings, one) for one in others)
            timings = _with(timings, {last: max(rest, 0.0)})
        return replace(self, timings=timings)


def write(profile: Profile) -> str:
    """The text of a profile with the options and timings that are not the default."""
    default = Profile()
    parts = {"options": _changed(profile.options, default.options)}
    if timings := _changed(profile.timings, default.timings):
        parts["timings"] = timings
    return json.dumps(parts, indent=2, sort_keys=True) + "\n"


def read(text: str, *, timings: Timings | None = None) -> Profile:
    """The profile in a text; ValueError says what is wrong with it. `timings` are those that it does not name."""
    content = json.loads(text)
    known = {"options", "timings"}
    if not isinstance(content, dict) or not content or not content.keys() <= known or not _objects(content):
        raise ValueError("a profile is a JSON object with the members `options` and `timings`, each an object")
    return Profile(
        options=Options().changed(**content.get("options", {})),
        timings=_with(timings or Timings(), content.get("timings", {})),
    )


def _with(timings: Timings, changes: Mapping[str, Any]) -> Timings:
    known = {item.name for item in fields(timings)}
    if unknown := changes.keys() - known:
        raise ValueError(f"no such timing: {', '.join(sorted(unknown))}; timings are {', '.join(sorted(known))}")
    for name, value in changes.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            raise ValueError(f"the timing {name} is {value!r}; it has to be a number of seconds, 0 or more")
    return replace(timings, **changes)


def _objects(content: Mapping[str, Any]) -> bool:
    return all(isinstance(part, dict) for part in content.values())


def _changed(values: Options | Timings, default: Options | Timings) -> dict[str, Any]:
    return {
        one.name: _plain(getattr(values, one.name))
        for one in fields(values)
        if getattr(values, one.name) != getattr(default, one.name)
    }


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else value
