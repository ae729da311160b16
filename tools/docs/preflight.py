"""docs/preflight.md: every check that runs before a costly call, from the tables in the operator's code."""

from collections.abc import Iterator, Sequence

from hyperpod_operator.core.preflight.model import Area, Check
from hyperpod_operator.core.preflight.table import CLUSTER
from hyperpod_operator.core.preflight.volume_table import CLAIM

HEAD = """\
# Preflight

<!-- Generated from operator/hyperpod_operator/core/preflight by `make chart`. -->

A HyperPod cluster that cannot work fails late: after 20 minutes of an EFA check, after 40 for a quota, after hours for
nodes that never join. Preflight reads beforehand what can be known and says what is wrong, where, and what to do.

The checks run before CreateCluster, before a call that adds groups to a cluster or scales groups out, and before
CreateVolume of an EBSVolumeClaim. They read only, make at most 40 calls to AWS, and none while nothing is created,
added or scaled out. The list of quotas is read when the operator starts and then, where something is checked, once an
hour for all clusters of a Region, in addition to these 40.

| Result | What it means | What happens |
|---|---|---|
| `Pass` | As it should be. | The call is made. |
| `Warn` | It may work; look at it. | The call is made. |
| `Fail` | The call would fail, or make instances that are billed and cannot be used. | With `Enforce` the call waits. |
| `Unknown` | The operator may not read what the check needs, or got no answer. The message names the IAM \
action. | The call is made. |

`spec.management.preflight` of a HyperPodCluster or an EBSVolumeClaim chooses: `Enforce` (the default; the
installation's own default is the chart's `preflight`) holds the call while a check fails, `Warn` makes it and reports
until the nodes are there, `Off` checks nothing. The results are in `status.preflight`, whose `call` says what was
checked; the condition `PreflightPassed` of a cluster sums them up.

| Call | With `Enforce`, while a check fails |
|---|---|
| CreateCluster | waits |
| UpdateCluster that adds groups | The groups wait; changes of other groups are sent without them. |
| UpdateCluster that scales groups out | Sent: AWS has the last word. `PreflightPassed` says what fails until the \
nodes are there, or the spec asks for no more. |
| CreateVolume of an EBSVolumeClaim | waits, and with it everything that needs the volume: attachment, label of the \
Node, PersistentVolume. |
| Everything else: scale-ins, software, tags, deletions; attachment, modification, snapshots and deletion of volumes \
| Not checked. |

A plan that waits for a person (an approval, `PlanOnly`, `paused`) is checked as well: `wouldFail` of its call in
`status.plan.actions` says why. Checks of such a plan that passed are not repeated until the plan changes.
Checks that failed run again after 1 minute, then 2, up to 30; at once when the spec changes or the annotation
`hyperpod-operator.dev/reconcile-requested-at` gets a new value. A repetition after a failure reads
everything again, the quotas included. The results of checks that passed are valid for 10 minutes.

## Before anything is applied

```sh
hyperpod-operator preflight -f cluster.yaml
hyperpod-operator preflight -f manifests/ --output json
```

Both read AWS with your own credentials and need no Kubernetes cluster. A cluster that exists is checked for what the
manifest adds to it: new groups, or groups that grow. The report says which call it is about, or that nothing is to be
checked. If you may not read the cluster, it is checked as a new one, and the report says so.
`hyperpod-operator plan -f cluster.yaml` shows all planned calls, and which checks would fail.

Exit code: 0: nothing failed; 2: a check failed, or the operator would refuse the resource (`blocked`, for example a
cluster of another owner, or a member that AWS cannot change); 1: a file or AWS cannot be read, or a resource is
invalid. Values that the API server would reject are answered with what to write instead.

## Rights

[iam/operator-preflight.json](iam/operator-preflight.json) has every action below. Leave out what you do not want to
grant: its checks are then `Unknown`, and hold nothing back. So are checks of what runs in the EKS cluster where the
operator runs in another one than `orchestrator.eks.clusterArn` names, and words of AWS that this version does not know.
"""


def page() -> str:
    """The document."""
    return "\n".join(_lines()).rstrip() + "\n"


def actions() -> tuple[str, ...]:
    """Every IAM action that a check reads with."""
    found = {action for check in (*CLUSTER, *CLAIM) for action in check.reads}
    return tuple(sorted(action for action in found if not action.startswith("kubernetes:")))


def _lines() -> Iterator[str]:
    yield HEAD
    for area in Area:
        checks = [check for check in (*CLUSTER, *CLAIM) if check.area is area]
        yield f"## {area}\n"
        yield from _section(checks)


def _section(checks: Sequence[Check]) -> Iterator[str]:
    for check in checks:
        yield f"### {check.name}\n"
        yield f"{check.what}. {check.why}\n"
        for word, text in (("Fails", check.fail), ("Warns", check.warn)):
            if text:
                yield f"- {word}: {_shown(text)}"
        yield f"- What to do: {_shown(check.remedy)}"
        yield f"- Reads: {', '.join(f'`{action}`' for action in check.reads) or 'the spec alone'}"
        yield f"- Source: {check.source}"
        yield ""


def _shown(text: str) -> str:
    """A template with its values as placeholders that Markdown shows."""
    return text.replace("{", "‹").replace("}", "›").replace("<type>", "‹type›")
