"""What this process may have made in the account and has not seen since: a search that ends early would leave it."""

from collections import Counter

from hyperpod_testbed.conformance.record import JSON, Call

DISKS = ("Volume", "Snapshot")
_CREATES = {f"Create{kind}": kind for kind in DISKS}
_DELETES = {f"Delete{kind}": kind for kind in DISKS}


class Ledger:
    """`began` before a call leaves, `ended` with its answer; a call that is interrupted has none."""

    def __init__(self) -> None:
        self.sent = False
        """Whether this process made any call that creates something."""
        self.unseen: set[str] = set()
        """Names of clusters that AWS accepted, or did not answer about, and has not shown since."""
        self.open: dict[str, set[str]] = {kind: set() for kind in DISKS}
        """Ids of volumes and snapshots that AWS made and this process has not deleted."""
        self.deleted = False
        """Whether this process deleted a cluster: AWS may free its EKS cluster some time after it is gone."""
        self._lost: Counter[str] = Counter()

    def lost(self, kind: str) -> bool:
        """Whether a creation of this kind has no answer, so that nobody knows its id."""
        return self._lost[kind] > 0

    def began(self, operation: str, request: JSON) -> None:
        if operation == "CreateCluster":
            self.sent = True
            self.unseen.add(str(request["ClusterName"]))
        elif operation in _CREATES:
            self.sent = True
            self._lost[_CREATES[operation]] += 1

    def ended(self, call: Call, *, known_before: bool) -> None:
        """`known_before`: the cluster was in `unseen` before this call, so a refusal takes nothing out."""
        name = str(call.request.get("ClusterName"))
        if call.operation == "CreateCluster":
            if call.refused and not known_before:
                self.unseen.discard(name)
        elif call.operation == "DeleteCluster":
            self.deleted |= call.ok
        elif call.operation == "DescribeCluster":
            if call.ok:
                self.unseen.discard(name)
        elif call.operation in _CREATES:
            kind = _CREATES[call.operation]
            if call.ok or call.refused:
                self._lost[kind] -= 1
            if call.ok:
                self.open[kind].add(str(call.get(f"{kind}Id")))
        elif call.operation in _DELETES and call.ok:
            kind = _DELETES[call.operation]
            self.open[kind].discard(str(call.request.get(f"{kind}Id")))
