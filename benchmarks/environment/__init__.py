"""The environment that the claims are measured in: API server, AWS and operator, each a process of its own."""

from benchmarks.environment.environment import LIFTED, Environment
from benchmarks.environment.faults import BenchmarkError

__all__ = ["LIFTED", "BenchmarkError", "Environment"]
