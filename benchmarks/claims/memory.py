"""Resident memory: with nothing to do, and with 500 settled clusters."""

import time

from benchmarks.claims.terms import Terms
from benchmarks.figure import Figure
from benchmarks.room import LIFTED
from benchmarks.room.objects import names

COUNT = 500
CALM = 20.0
"""Seconds without work before memory is read."""
PATIENCE = 400.0


def measure(terms: Terms) -> list[Figure]:
    with terms.room() as room, room.operator(*LIFTED) as operator, room.progress() as progress:
        operator.wait_ready()
        calm = terms.seconds(CALM, quick=5.0)
        time.sleep(calm)
        idle = operator.memory()
        room.objects.create(names(COUNT))
        progress.wait(COUNT, seconds=PATIENCE)
        time.sleep(calm)
        return [
            Figure(name="resident memory, idle", value=idle, unit="MB", most=130),
            Figure(name="resident memory with 500 clusters", value=operator.memory(), unit="MB", most=200),
            Figure(name="resident memory with 500 clusters, peak", value=operator.peak_memory(), unit="MB"),
        ]
