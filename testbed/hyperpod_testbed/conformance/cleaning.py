"""The removal of what a run made: by its tag, until AWS shows all that it accepted, and nothing else.

AWS shows new things late, and a read can fail. So the search goes on until everything that this process saw accepted
was found, and what could not be read is reported as left: an empty list is no proof that nothing is there.
"""

from hyperpod_testbed.conformance.ledger import DISKS
from hyperpod_testbed.conformance.record import Call
from hyperpod_testbed.conformance.run import Run
from hyperpod_testbed.conformance.target import RUN_TAG

CLEANING = 3600.0
"""Most seconds that the removal waits for a cluster to end."""
SHOWN = 300.0
"""Most seconds until AWS shows what it accepted: EC2 says minutes at worst."""
UNSURE = 60.0
"""Seconds of the search where another process made the calls, and for a read that fails."""
DETACHED = 600.0
"""Most seconds until a volume of a cluster that is gone can be deleted."""
BUSY = frozenset({"ConflictException", "ThrottlingException", "TooManyRequestsException"})


def clean(run: Run) -> tuple[str, ...]:
    """Delete what carries the tag of this run and nothing else; what may remain, as lines with a command each."""
    run.caller.lift_limit()
    left = _clusters(run)
    for kind in DISKS:
        left += _disks(run, kind)
    return tuple(left)


def _clusters(run: Run) -> list[str]:
    """Delete the clusters, and wait until they are gone."""
    asked: dict[str, Call] = {}
    problems: dict[str, str] = {}
    ledger = run.caller.ledger
    awaited = set(ledger.unseen)

    def done() -> bool:
        problems.clear()
        for name in run.names:
            if name not in asked and _is_ours(run, name, problems):
                asked[name] = _delete(run, name)
        return ledger.sent and not problems and awaited <= asked.keys()

    run.until(done, most=SHOWN if awaited else UNSURE)
    left = []
    for name, call in sorted(asked.items()):
        if not (call.ok or call.missing):
            left.append(f"cluster {name}, {_said(call)}: aws sagemaker delete-cluster --cluster-name {name}")
        elif not run.gone("cleaning.gone", name, most=CLEANING):
            left.append(f"cluster {name}: aws sagemaker delete-cluster --cluster-name {name}")
    return left + [f"perhaps cluster {name}: {why}" for name, why in sorted(problems.items())]


def _is_ours(run: Run, name: str, problems: dict[str, str]) -> bool:
    """Whether AWS shows a cluster of this name with the tag of this run: a name alone is no proof."""
    shown = run.call("cleaning.find", "DescribeCluster", ClusterName=name)
    if not shown.ok:
        if not shown.missing:
            problems[name] = _said(shown)
        return False
    tags = run.call("cleaning.tags", "ListTags", ResourceArn=str(shown.get("ClusterArn")))
    values = [tag["Value"] for tag in tags.get("Tags") or [] if tag["Key"] == RUN_TAG]
    if not values:  # tags can lag behind the cluster
        problems[name] = "it exists without the tag of a run, and was not deleted" if tags.ok else _said(tags)
    return values == [run.id]


def _delete(run: Run, name: str) -> Call:
    """One DeleteCluster that AWS takes up, or refuses for another reason than that the cluster is busy."""
    last: list[Call] = []

    def taken_up() -> bool:
        last[:] = [run.call("cleaning.delete", "DeleteCluster", ClusterName=name)]
        return last[0].code not in BUSY

    run.until(taken_up, most=CLEANING)
    return last[0]


def _disks(run: Run, kind: str) -> list[str]:
    """Delete the volumes, or the snapshots, by their tag and by the ids that AWS answered."""
    ledger, word = run.caller.ledger, kind.lower()
    known = set(ledger.open[kind])
    found, removed = set(known), set[str]()
    problem: list[str] = []
    mine = [{"Name": f"tag:{RUN_TAG}", "Values": [run.id]}]

    def done() -> bool:
        listed = run.ec2(f"cleaning.{word}s", f"Describe{kind}s", Filters=mine)
        problem[:] = [] if listed.ok else [f"perhaps {word}s: {_said(listed)}"]
        found.update(str(one[f"{kind}Id"]) for one in listed.get(f"{kind}s") or [])
        for name in sorted(found - removed):
            if run.ec2("cleaning.remove", f"Delete{kind}", **{f"{kind}Id": name}).ok:
                removed.add(name)
        return ledger.sent and not ledger.lost(kind) and not problem and found <= removed

    run.until(done, most=DETACHED if found else SHOWN if ledger.lost(kind) else UNSURE)
    gone = {name for name in found - removed if _missing(run, kind, name)}
    commands = (f"{word} {name}: aws ec2 delete-{word} --{word}-id {name}" for name in sorted(found - removed - gone))
    return [*commands, *problem]


def _missing(run: Run, kind: str, name: str) -> bool:
    """Whether AWS knows no such thing, after all the time that it has to show it."""
    return run.ec2("cleaning.gone", f"Describe{kind}s", **{f"{kind}Ids": [name]}).missing


def _said(call: Call) -> str:
    return f"{call.operation} answers {call.code}: {call.message}"
