"""500 resources applied at once: how long until AWS was asked for the last of them."""

from benchmarks.claims.terms import Terms
from benchmarks.figure import Figure
from benchmarks.room import LIFTED
from benchmarks.room.objects import names

COUNT = 500
PATIENCE = 300.0


def measure(terms: Terms) -> list[Figure]:
    with terms.room() as room, room.operator(*LIFTED) as operator:
        operator.wait_ready()
        since = room.aws.position()
        before = operator.cpu()
        first_sent, last_answered = room.objects.create(names(COUNT))
        calls = room.aws.wait("CreateCluster", count=COUNT, since=since, seconds=PATIENCE)
        spent = operator.cpu() - before
        last = max(call.wall_time for call in calls)
        return [
            Figure(name="500 applied at once: operator, per CreateCluster", value=spent / COUNT, unit="CPU-s"),
            Figure(name="500 applied at once: last CreateCluster", value=last - first_sent, unit="s", most=5),
            Figure(name="500 applied at once: last POST answered", value=last_answered - first_sent, unit="s"),
        ]
