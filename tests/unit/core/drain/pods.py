"""Pods, rules and moments for tests of drains."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hyperpod_operator.api.common.drain import Drain, LabelSelector
from hyperpod_operator.core.drain.budget import Budget
from hyperpod_operator.core.drain.pod import Pod
from hyperpod_operator.core.drain.rules import DrainRules, drain_rules
from hyperpod_operator.core.drain.step import DrainStep, step

START = datetime(2026, 11, 23, 12, tzinfo=UTC)


def pod(name: str, **members: Any) -> Pod:
    whole = {"namespace": "research", "name": name, "uid": f"uid-{name}", "node": "n1"} | members
    return Pod(**whole)


def rules(*several: dict[str, Any], **members: Any) -> DrainRules:
    return drain_rules(Drain.model_validate({"rules": list(several)} | members))


def look(*pods: Pod, chosen: DrainRules | None = None, after: float = 0, **more: Any) -> DrainStep:
    """One step, `after` seconds into the drain."""
    return step(pods=pods, rules=chosen or rules(), started_at=START, now=START + timedelta(seconds=after), **more)


def budget(allowed: int, *, namespace: str = "research", spares_unready: bool = False, **selector: Any) -> Budget:
    chosen = LabelSelector.model_validate(selector)
    return Budget(namespace=namespace, name="pdb", selector=chosen, allowed=allowed, spares_unready=spares_unready)
