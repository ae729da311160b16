"""Passes over HyperPodNodeOperations."""
