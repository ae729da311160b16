"""`approve`: shows the plan that waits and approves exactly that one, by its digest."""

import sys

import click

from hyperpod_operator.api.names import APPROVE_PLAN
from hyperpod_operator.core.explain.explain import awaited
from hyperpod_operator.core.explain.world import Json, inside, items, text
from hyperpod_operator.core.text import plain
from kubectl_hyperpod.errors import CommandError
from kubectl_hyperpod.options import argument, common
from kubectl_hyperpod.resources import named
from kubectl_hyperpod.session import Session, metadata
from kubectl_hyperpod.view.say import say

NOTHING = "None"
"""State of a plan without a change (api.md, status.plan.state)."""


@click.command()
@argument()
@click.option("--digest", default="", help="Approve only if the plan still has this digest.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Ask the API server, and change nothing.")
@common()
def approve(session: Session, which: tuple[str, ...], digest: str, yes: bool, dry_run: bool) -> None:
    """Approve the plan that a HyperPodCluster or a node operation waits with, after showing it."""
    asked = named(which)
    found = session.one(asked)
    kind = asked.kind if asked else None
    name = metadata(found, "name")
    plan = inside(found, "status", "plan")
    waiting, state = text(inside(plan, "digest")), text(inside(plan, "state"))
    if not waiting or not awaited(plan):
        why = "the operator plans no change" if state in {"", NOTHING} else f"its plan is {state}"
        raise CommandError(f"{name} has no plan that waits for approval: {why}.")
    if digest and digest != waiting:
        raise CommandError(f"The plan of {name} is {waiting} now, not {digest}. Read it again before you approve it.")
    if inside(found, "metadata", "generation") != inside(found, "status", "observedGeneration"):
        raise CommandError(
            f"The plan of {name} is about an earlier spec; wait until the operator has seen the newest one."
        )
    say(*shown(plan))
    if not (yes or digest or dry_run):
        if not sys.stdin.isatty():
            raise CommandError("Approving needs --yes or --digest where no terminal can ask.")
        if not click.confirm("Approve exactly this plan?"):
            say("Nothing was approved.")
            return
    from kubectl_hyperpod.resources import CLUSTER

    body = {"metadata": {"annotations": {APPROVE_PLAN: waiting}}}
    resource = (kind or CLUSTER).resource
    session.api.merge(resource, body, namespace=session.namespace, name=name, dry_run=dry_run)
    say(f"{waiting} is approved{' (dry run: nothing was changed)' if dry_run else ''}.")


def shown(plan: object) -> list[str]:
    """The plan as lines: each call with its effect, what it changes and the nodes that it concerns."""
    made = [plain(f"Plan {text(inside(plan, 'digest'))} of {text(inside(plan, 'computedAt'))}:")]
    made.append(f"  {plain(text(inside(plan, 'summary')))}")
    if cost := text(inside(plan, "cost")):
        made.append(f"  cost: {plain(cost)}")
    for action in items(plan, "actions"):
        made += _action(action)
    if inside(plan, "moreActions"):
        made.append(f"  and {plain(text(inside(plan, 'moreActions')))} more calls")
    return made


def _action(action: Json) -> list[str]:
    free = "" if action.get("waits") is True else " (needs no approval)"
    lines = [f"{text(action.get('effect')):<9} {text(action.get('call'))}{free}"]
    below = [text(one) for one in _list(action.get("changes"))]
    if action.get("moreChanges"):
        below.append(f"and {text(action['moreChanges'])} more changes")
    below += [f"would fail: {text(one)}" for one in _list(action.get("wouldFail"))]
    nodes, count = [text(one) for one in _list(action.get("nodes"))], action.get("nodeCount")
    more = count - len(nodes) if isinstance(count, int) else 0
    if nodes:
        below.append(f"nodes: {', '.join(nodes)}{f' and {more} more' if more > 0 else ''}")
    elif count:
        below.append(f"nodes: {text(count)}")
    if action.get("pods") is not None:
        below.append(f"pods on them: {text(action['pods'])}")
    return [f"  {plain(lines[0])}", *(f"            {plain(line)}" for line in below)]


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
