"""Kubernetes Events: series, budget, and the task that sends them."""
