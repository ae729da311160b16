"""Pods of nodes that are drained or end: read while needed, and evicted. `core.drain.ports` on the real thing."""
