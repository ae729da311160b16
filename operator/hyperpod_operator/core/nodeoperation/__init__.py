"""Decisions about HyperPodNodeOperations. Pure.

    select ─► advance (one state machine per node) ─► concerns (one action at most) ─► report

`machine.py` moves each node by what is observed; `concerns.py` has the ordered list of questions that a pass asks, and
reads as the reasons to act and not to.
"""
