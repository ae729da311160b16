"""The Grafana dashboard: what a person on duty looks at first, made from a list of panels.

Only metrics of `runtime/instruments.py` are named; a test holds both together.
"""

import json
from dataclasses import dataclass
from typing import Any

from hyperpod_operator.runtime.instruments import P

_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
_HALF, _HEIGHT = 12, 8
_WRITES = "(Create|Update|Delete|Add|Batch|Attach|Detach|Modify).*"
"""Operations that change something in AWS."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One graph: its title, what to look for in it, and its queries with their legends."""

    title: str
    description: str
    queries: tuple[tuple[str, str], ...]
    unit: str = "short"


PANELS = (
    Panel(
        title="Who must act: clusters and volumes that need you",
        description="Stalled, a plan that waits for an approval, a volume that is not ready: kubectl hyperpod explain.",
        queries=(
            (f'{P}cluster_condition{{type="Stalled",status="True"}} == 1', "{{namespace}}/{{name}}"),
            (f"max by (namespace, name) ({P}cluster_approval_waiting) == 1", "{{namespace}}/{{name}} approval"),
            (f"max by (namespace, name) ({P}volume_claim_ready) == 0", "{{namespace}}/{{name}} volume"),
        ),
    ),
    Panel(
        title="Clusters that are not ready",
        description="One line for each cluster whose condition Ready is not True.",
        queries=((f'{P}cluster_condition{{type="Ready",status!="True"}} == 1', "{{namespace}}/{{name}} {{status}}"),),
    ),
    Panel(
        title="What the instances cost per hour",
        description="On-demand prices. Groups whose price is not known are left out; status.cost names them.",
        queries=(
            (
                f'sum by (namespace, name, currency) ({P}cluster_cost_per_hour{{use="All"}})',
                "{{namespace}}/{{name}} {{currency}}",
            ),
        ),
    ),
    Panel(
        title="Billed and unusable, per hour",
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
        queries=((f"sum by (operation, code) (rate({P}aws_calls_total[5m]))", "{{operation}} {{code}}"),),
        unit="reqps",
    ),
    Panel(
        title="AWS calls against the operator's limit",
        description="Of all services together. Close to the limit of one service: passes wait for their turn.",
        queries=(
            (f'sum(rate({P}aws_calls_total{{operation!~"{_WRITES}"}}[5m]))', "reads"),
            (f'max({P}aws_calls_limit{{calls="reads"}})', "limit of reads"),
            (f'sum(rate({P}aws_calls_total{{operation=~"{_WRITES}"}}[5m]))', "writes"),
            (f'max({P}aws_calls_limit{{calls="writes"}})', "limit of writes"),
        ),
        unit="reqps",
    ),
    Panel(
        title="When training plans end",
        description="AWS ends the instances of a plan 30 minutes before; an alert fires 14 days before.",
        queries=(
            (
                f"min by (namespace, name, plan) ({P}training_plan_end_timestamp_seconds) - time()",
                "{{namespace}}/{{name}} {{plan}}",
            ),
        ),
        unit="s",
    ),
    Panel(
        title="Duration of AWS calls, 99th percentile",
        description="By operation.",
        queries=(
            (
                f"histogram_quantile(0.99, sum by (le, operation) (rate({P}aws_call_duration_seconds_bucket[5m])))",
                "{{operation}}",
            ),
        ),
        unit="s",
    ),
    Panel(
        title="Passes by outcome",
        description="Blocked waits for a person, Failed is tried again.",
        queries=((f"sum by (kind, outcome) (rate({P}reconciles_total[5m]))", "{{kind}} {{outcome}}"),),
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
        description="Exactly one; a gap longer than 17 seconds means that nobody works.",
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
        "panels": [_panel(number, panel) for number, panel in enumerate(PANELS)],
    }
    return json.dumps(made, indent=1) + "\n"


def _panel(number: int, panel: Panel) -> dict[str, Any]:
    return {
        "id": number + 1,
        "type": "timeseries",
        "title": panel.title,
        "description": panel.description,
        "datasource": _SOURCE,
        "gridPos": {"x": number % 2 * _HALF, "y": number // 2 * _HEIGHT, "w": _HALF, "h": _HEIGHT},
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + place), "expr": query, "legendFormat": legend, "datasource": _SOURCE}
            for place, (query, legend) in enumerate(panel.queries)
        ],
    }
