"""What happens while Prometheus looks on: something for every panel of the dashboard to show."""

import time

from hyperpod_testbed.demo_nodes import a_gpu_fails, a_volume_is_claimed, the_claim_is_deleted
from hyperpod_testbed.stack import ROOT, Stack
from hyperpod_testbed.stage import NAME, Stage, edited

TAKEN = "taken"


class MarkedStage(Stage):
    """A stage that remembers when each scene began, in seconds since the epoch."""

    def __init__(self, stack: Stack) -> None:
        super().__init__(stack)
        self.marks: list[tuple[float, str]] = []

    def title(self, text: str) -> None:
        self.marks.append((time.time(), text))
        super().title(text)


def play(stage: MarkedStage) -> None:
    """Create, collide, run short, claim, break, heal, delete."""
    example = (ROOT / "examples" / "gpu-and-cpu.yaml").read_text()
    stage.title("A cluster is created")
    stage.run("apply", "-f", "-", text=example, shown="kubectl apply -f examples/gpu-and-cpu.yaml")
    stage.watch(until=lambda row: "6/6" in row and " True " in row, what="a cluster with 6 nodes")

    stage.title("Another one has a name that somebody else's cluster has")
    stage.stack.simulator.world.create_foreign_cluster(TAKEN)
    stage.apply(edited(example, f"name: {NAME}\n", f"name: {TAKEN}\n"), edit=f"sed s/{NAME}/{TAKEN}/ ...")
    stalled = ("get", "hpc", TAKEN, "-o", "jsonpath={.status.conditions[?(@.type=='Stalled')].reason}")
    stage.show_when(*stalled, done=lambda text: "NotOwned" in text, what="the refusal")

    stage.title("1 more CPU node and 4 more GPU nodes are wanted; AWS has one GPU")
    stage.stack.simulator.world.limit_capacity(NAME, "gpu", 5)
    grown = edited(edited(example, "instanceCount: 2", "instanceCount: 3"), "instanceCount: 4", "instanceCount: 8")
    stage.apply(grown, edit="sed 's/instanceCount: .../' ...")
    stage.watch(until=lambda row: "capacity" in row.lower() and "8/11" in row, what="the shortage")

    stage.title("Capacity is back, and the other name is given up")
    stage.run("delete", "hpc", TAKEN, "--timeout=60s")
    stage.stack.simulator.world.restore_capacity(NAME, "gpu")
    stage.watch(until=lambda row: "11/11" in row and " True " in row, what="all 11 nodes")

    a_volume_is_claimed(stage)
    a_gpu_fails(stage)
    the_claim_is_deleted(stage)

    stage.title("The cluster is deleted")
    stage.run("delete", "hpc", NAME, "--timeout=120s")
