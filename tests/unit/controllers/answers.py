"""Every answer that the simulator can give: one switch turned at a time, found by its type and not by a list."""

from dataclasses import fields
from typing import Any, Literal, get_args, get_origin, get_type_hints

from hyperpod_testbed.simulator import Options

NO_NODES = {"provider_id": "instance"}
"""The answer under which no Node in Kubernetes is known to be an instance's; lives that need Nodes do not start."""
LAGS: list[dict[str, Any]] = [
    {"create_lag": 30.0, "list_lag": 60.0, "describe_lag": 20.0},
    {"read_lag": {"ListTags": 20.0, "ListClusterEvents": 60.0, "DescribeClusterEvent": 60.0}},
    {"read_lag": {"DescribeSnapshots": 20.0, "DescribeVolumesModifications": 20.0}},
    {"volume_lag": 20.0},
    {"attachment_lag": 20.0},
    {"new_volume_lag": 20.0},
    {"role_attempts": 2},
    {"page_size": 2},
    {"page_limit": 2},
]


def named(answer: dict[str, Any]) -> str:
    return ",".join(f"{name}={value}" for name, value in answer.items()) or "defaults"


def other_answers() -> list[dict[str, Any]]:
    """Each answer that is not the default, of each switch that has a closed set of them; then the lags."""
    hints, defaults = get_type_hints(Options), Options()
    found: list[dict[str, Any]] = []
    for item in fields(Options):
        hint = hints[item.name]
        choices = get_args(hint) if get_origin(hint) is Literal else (True, False) if hint is bool else ()
        found += [{item.name: choice} for choice in choices if choice != getattr(defaults, item.name)]
    return found + LAGS
