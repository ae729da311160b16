"""Traces, if this installation asks for them; otherwise nothing of OpenTelemetry is imported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hyperpod_operator.app.start import StartError

if TYPE_CHECKING:
    from hyperpod_operator.runtime.tracing import Tracing
    from hyperpod_operator.runtime.workers import Reconcile


def tracing(endpoint: str) -> Tracing | None:
    """What sends traces to this collector; None without one. Raises StartError when the packages are missing."""
    if not endpoint:
        return None
    try:
        from hyperpod_operator.runtime.tracing import Tracing
    except ImportError as error:
        raise StartError(
            f"--otlp-endpoint={endpoint} asks for traces, and the packages for them are not installed ({error.name}). "
            "Install hyperpod-operator[otel], or build the image with --build-arg LOCK=requirements-otel.lock, or "
            "leave the option (in the chart: tracing.endpoint) out."
        ) from error
    return Tracing.to(endpoint)


def untraced(_kind: str, reconcile: Reconcile) -> Reconcile:
    """Without traces a pass stays as it is."""
    return reconcile
