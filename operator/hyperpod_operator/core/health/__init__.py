"""Nodes: whether they may receive pods, and the labels that people select them by. Pure decisions."""
