"""Nodes: held in memory, found by instance, and written to."""
