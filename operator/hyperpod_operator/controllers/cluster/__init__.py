"""Passes over HyperPodClusters."""
