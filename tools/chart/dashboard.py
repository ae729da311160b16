"""The Grafana dashboard: what a person on duty looks at first, made from a list of panels.

Only metrics of `api/metrics` are named; a test holds both together.
"""

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from hyperpod_operator.api.metrics.instrument import P

_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
_COLUMNS = 24
"""Of Grafana's grid."""
_WRITES = "(Create|Update|Delete|Add|Batch|Attach|Detach|Modify).*"
"""Operations that change something in AWS."""


class Shape(StrEnum):
    """How a panel is drawn: Grafana's name of it."""

    GRAPH = "timeseries"
    STATES = "state-timeline"
    """A bar for each series, as long as it has a value."""
    NUMBER = "stat"
    """The last value, large, above its course."""


_SIZE = {Shape.GRAPH: (12, 8), Shape.STATES: (12, 6), Shape.NUMBER: (6, 5)}
"""Width and height in Grafana's grid."""
_DRAWN: dict[Shape, dict[str, Any]] = {
    Shape.GRAPH: {"fillOpacity": 8, "lineWidth": 2},
    Shape.STATES: {"fillOpacity": 80, "lineWidth": 0},
    Shape.NUMBER: {},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One graph: its title, what to look for in it, and its queries with their legends."""

    title: str
    description: str
    queries: tuple[tuple[str, str], ...]
    unit: str = "short"
    shape: Shape = Shape.GRAPH
    stacked: bool = False
    """Whether the series add up to a whole."""
    alarming: bool = False
    """Whether anything but zero is red."""


_NEED_YOU = (
    f'max by (namespace, name) ({P}cluster_condition{{type="Stalled",status="True"}}) == 1 '
    f"or max by (namespace, name) ({P}cluster_approval_waiting) == 1"
)

PANELS = (
    Panel(
        title="Clusters that need you",
        description="Stalled, or with a plan that waits for an approval: kubectl get hpc -A has You in ACTOR.",
        queries=((f"count({_NEED_YOU}) or vector(0)", "need you"),),
        shape=Shape.NUMBER,
        alarming=True,
    ),
    Panel(
        title="Nodes",
        description="Of all clusters.",
        queries=((f"sum({P}cluster_nodes_current)", "current"), (f"sum({P}cluster_nodes_desired)", "desired")),
        shape=Shape.NUMBER,
    ),
    Panel(
        title="Cost per hour",
        description="On-demand prices of the instances of all clusters.",
        queries=((f'sum by (currency) ({P}cluster_cost_per_hour{{use="All"}})', "{{currency}}"),),
        shape=Shape.NUMBER,
    ),
    Panel(
        title="Billed and unusable, per hour",
        description="Instances that run no pods because they are unhealthy, being checked or not joined.",
        queries=((f'sum by (currency) ({P}cluster_cost_per_hour{{use="Idle"}})', "{{currency}}"),),
        shape=Shape.NUMBER,
        alarming=True,
    ),
    Panel(
        title="What needs you, and volumes that are not ready",
        description="Stalled, a plan that waits for an approval, a volume that is not ready: kubectl hyperpod explain.",
        queries=(
            (f'{P}cluster_condition{{type="Stalled",status="True"}} == 1', "{{namespace}}/{{name}} stalled"),
            (f"max by (namespace, name) ({P}cluster_approval_waiting) == 1", "{{namespace}}/{{name}} approval waits"),
            (
                f"max by (namespace, name) ({P}node_operation_approval_waiting) == 1",
                "{{namespace}}/{{name}} operation waits",
            ),
            (f"1 - max by (namespace, name) ({P}volume_claim_ready) == 1", "{{namespace}}/{{name}} volume not ready"),
        ),
        shape=Shape.STATES,
    ),
    Panel(
        title="Clusters that are not ready",
        description="One line for each cluster whose condition Ready is not True.",
        queries=((f'{P}cluster_condition{{type="Ready",status!="True"}} == 1', "{{namespace}}/{{name}} {{status}}"),),
        shape=Shape.STATES,
    ),
    Panel(
        title="Cost of each cluster per hour",
        description="On-demand prices. Groups whose price is not known are left out; status.cost names them.",
        queries=(
            (
                f'sum by (namespace, name, currency) ({P}cluster_cost_per_hour{{use="All"}})',
                "{{namespace}}/{{name}} {{currency}}",
            ),
        ),
    ),
    Panel(
        title="Billed and unusable of each cluster, per hour",
        description="Instances that run no pods because they are unhealthy, being checked or not joined.",
        queries=(
            (
                f'sum by (namespace, name, currency) ({P}cluster_cost_per_hour{{use="Idle"}})',
                "{{namespace}}/{{name}} {{currency}}",
            ),
        ),
    ),
    Panel(
        title="Desired and current nodes",
        description="A gap that stays is a shortage of capacity or a group that fails.",
        queries=(
            (f"sum by (namespace, name) ({P}cluster_nodes_desired)", "desired {{namespace}}/{{name}}"),
            (f"sum by (namespace, name) ({P}cluster_nodes_current)", "current {{namespace}}/{{name}}"),
        ),
    ),
    Panel(
        title="Nodes that take no pods",
        description="By what HyperPod does about them.",
        queries=(
            ("sum(hyperpod_node_health_status_unschedulable)", "unschedulable"),
            ("sum(hyperpod_node_health_status_unschedulable_pending_reboot)", "to be rebooted"),
            ("sum(hyperpod_node_health_status_unschedulable_pending_replacement)", "to be replaced"),
            ("sum(hyperpod_node_health_status_deep_health_check)", "deep health checks run"),
            ("sum(hyperpod_node_health_status_never_joined)", "never joined"),
        ),
    ),
    Panel(
        title="Time to fix a node, by the last day",
        description="From the moment a Node is seen unhealthy until HyperPod calls it Schedulable again.",
        queries=(
            (f"histogram_quantile(0.5, sum by (le) (increase({P}node_recovery_seconds_bucket[1d])))", "half of them"),
            (f"histogram_quantile(0.9, sum by (le) (increase({P}node_recovery_seconds_bucket[1d])))", "nine of ten"),
        ),
        unit="s",
    ),
    Panel(
        title="How long an unhealthy node could get pods, 99th percentile",
        description="From the moment a Node is seen unhealthy until its taint is on the API server.",
        queries=(
            (
                f"histogram_quantile(0.99, sum by (le) (increase({P}node_taint_seconds_bucket[1d])))",
                "until tainted",
            ),
        ),
        unit="s",
    ),
    Panel(
        title="Volume claims by phase",
        description="EBSVolumeClaims. Those that stay Pending or Failed: kubectl describe evc says what to do.",
        queries=((f"sum by (phase) ({P}volume_claims)", "{{phase}}"),),
        stacked=True,
    ),
    Panel(
        title="Steps of volumes, and writes to Nodes, by result",
        description="Since the start: they are rare, and a rate does not see the first. A conflict repeats by itself.",
        queries=(
            (f"sum by (operation, code) ({P}volume_steps_total)", "{{operation}} {{code}}"),
            (f"sum by (step, result) ({P}node_changes_total)", "Node: {{step}} {{result}}"),
        ),
    ),
    Panel(
        title="AWS calls by result",
        description="Everything but OK deserves a look; throttling slows the operator down by itself.",
        queries=((f"sum by (operation, code) (rate({P}aws_calls_total[$__rate_interval]))", "{{operation}} {{code}}"),),
        unit="reqps",
    ),
    Panel(
        title="AWS calls against the operator's limit",
        description="Of all services together. Close to the limit of one service: passes wait for their turn.",
        queries=(
            (f'sum(rate({P}aws_calls_total{{operation!~"{_WRITES}"}}[$__rate_interval]))', "reads"),
            (f'max({P}aws_calls_limit{{calls="reads"}})', "limit of reads"),
            (f'sum(rate({P}aws_calls_total{{operation=~"{_WRITES}"}}[$__rate_interval]))', "writes"),
            (f'max({P}aws_calls_limit{{calls="writes"}})', "limit of writes"),
        ),
        unit="reqps",
    ),
    Panel(
        title="When training plans end",
        description="AWS ends the instances of a plan 30 minutes before; an alert fires 14 days or a quarter before.",
        queries=(
            (
                f"(min by (namespace, name, plan) ({P}training_plan_end_timestamp_seconds) - time()) / 86400",
                "{{namespace}}/{{name}} {{plan}}",
            ),
        ),
        unit="d",
    ),
    Panel(
        title="Duration of AWS calls, 99th percentile",
        description="By operation.",
        queries=(
            (
                "histogram_quantile(0.99, sum by (le, operation) "
                f"(rate({P}aws_call_duration_seconds_bucket[$__rate_interval])))",
                "{{operation}}",
            ),
        ),
        unit="s",
    ),
    Panel(
        title="Passes by outcome",
        description="Blocked waits for you, Failed is tried again.",
        queries=((f"sum by (kind, outcome) (rate({P}reconciles_total[$__rate_interval]))", "{{kind}} {{outcome}}"),),
        unit="ops",
    ),
    Panel(
        title="Oldest object in the queue",
        description="Grows when passes take longer than they come.",
        queries=((f"max by (kind) ({P}queue_oldest_age_seconds)", "{{kind}}"),),
        unit="s",
    ),
    Panel(
        title="Replicas that lead",
        description="Exactly one; in a gap longer than 17 seconds no resource is reconciled.",
        queries=((f"sum({P}leader)", "leaders"),),
    ),
    Panel(
        title="Age of the watches, and delay of the event loop",
        description="More than 90 seconds without word from the API server makes the process unhealthy.",
        queries=(
            (f"max({P}watch_age_seconds)", "watch of our kinds"),
            (f"max({P}node_watch_age_seconds)", "watch of Nodes"),
            (f"max({P}event_loop_lag_seconds)", "event loop"),
        ),
        unit="s",
    ),
)


def dashboard() -> str:
    """The text of dashboard.json."""
    made: dict[str, Any] = {
        "title": "HyperPod operator",
        "uid": "hyperpod-operator",
        "tags": ["hyperpod", "sagemaker"],
        "schemaVersion": 39,
        "refresh": "1m",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [{"name": "datasource", "type": "datasource", "query": "prometheus"}]},
        "panels": [_panel(number, panel, place) for number, (panel, place) in enumerate(_placed(), start=1)],
    }
    return json.dumps(made, indent=1) + "\n"


def _placed() -> list[tuple[Panel, dict[str, int]]]:
    """Each panel with its place: from left to right, a new row where the last one is full."""
    made, across, down, high = [], 0, 0, 0
    for panel in PANELS:
        width, height = _SIZE[panel.shape]
        if across + width > _COLUMNS:
            across, down, high = 0, down + high, 0
        made.append((panel, {"x": across, "y": down, "w": width, "h": height}))
        across, high = across + width, max(high, height)
    return made


def _panel(number: int, panel: Panel, place: dict[str, int]) -> dict[str, Any]:
    defaults: dict[str, Any] = {"unit": panel.unit, "min": 0, "custom": _DRAWN[panel.shape]}
    if panel.stacked:
        defaults["custom"] = {**defaults["custom"], "fillOpacity": 40, "stacking": {"mode": "normal", "group": "A"}}
    if panel.alarming:
        defaults["thresholds"] = {"mode": "absolute", "steps": [_from(None, "green"), _from(0.001, "red")]}
    if panel.shape is Shape.STATES:
        text = {"1": {"text": " ", "color": "red"}}
        defaults["mappings"] = [{"type": "value", "options": text}]
    return {
        "id": number,
        "type": str(panel.shape),
        "title": panel.title,
        "description": panel.description,
        "datasource": _SOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": _OPTIONS[panel.shape],
        "targets": [
            {"refId": chr(ord("A") + index), "expr": query, "legendFormat": legend, "datasource": _SOURCE}
            for index, (query, legend) in enumerate(panel.queries)
        ],
    }


def _from(value: float | None, color: str) -> dict[str, Any]:
    """A colour, and the value from which it counts."""
    return {"value": value, "color": color}


_OPTIONS: dict[Shape, dict[str, Any]] = {
    Shape.GRAPH: {"legend": {"displayMode": "list", "placement": "right"}, "tooltip": {"mode": "multi"}},
    Shape.STATES: {"mergeValues": True, "showValue": "never", "rowHeight": 0.8},
    Shape.NUMBER: {"reduceOptions": {"calcs": ["lastNotNull"]}, "graphMode": "area", "textMode": "value_and_name"},
}
