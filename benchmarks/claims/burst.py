"""500 resources applied at once: how long until AWS was asked for the last of them."""

from benchmarks.claims.terms import Terms
from benchmarks.environment import LIFTED
from benchmarks.environment.objects import names
from benchmarks.figure import Figure

COUNT = 500
PATIENCE = 300.0


def measure(terms: Terms) -> list[Figure]:
    with terms.environment() as env, env.operator(*LIFTED) as operator:
        operator.wait_ready()
        since = env.aws.position()
        before = operator.cpu()
        first_sent, last_answered = env.objects.create(names(COUNT))
        calls = env.aws.wait("CreateCluster", count=COUNT, since=since, seconds=PATIENCE)
        spent = operator.cpu() - before
        last = max(call.wall_time for call in calls)
        return [
            Figure(
                name="500 applied at once: operator, per CreateCluster", value=spent / COUNT, unit="CPU-s", most=0.007
            ),
            Figure(name="500 applied at once: last CreateCluster", value=last - first_sent, unit="s"),
            Figure(name="500 applied at once: last POST answered", value=last_answered - first_sent, unit="s"),
        ]
