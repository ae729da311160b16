"""The one thing that has to happen: the first of these questions that has an answer decides.

Is the kind installed, may you read the object, does it exist; does an operator run, has it seen this generation; does a
plan wait for you, and nothing else first; and only then what the conditions say. An answer further down would be about
an old status.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import assert_never

from hyperpod_operator.api.names import GROUP, Reason
from hyperpod_operator.api.reasons import Actor, ReasonRecord, Severity, record
from hyperpod_operator.core.explain.acting import turn
from hyperpod_operator.core.explain.chain import chain, conditions, stated
from hyperpod_operator.core.explain.commands import COMMANDS, SEE, WAIT, filled
from hyperpod_operator.core.explain.explanation import Explanation, Level, Link, Step
from hyperpod_operator.core.explain.values import values
from hyperpod_operator.core.explain.world import Found, World, inside, items, text
from hyperpod_operator.core.moments import parse_time

NOT_SERVED = "NotServed"
FORBIDDEN = "Forbidden"
NOT_FOUND = "NotFound"
NO_LEADER = "NoLeader"
NOT_SEEN = "NotObserved"
LONG_OVER = timedelta(minutes=5)
"""Between the last renewal of a Lease and a write, by clocks that differ: its holder cannot have made that write."""
INSTALL = "hyperpod-operator crds | kubectl apply --server-side -f -"
APPROVED_BY_YOU = frozenset({Reason.WAITING_FOR_APPROVAL, Reason.PLAN_STALE})
"""Reasons of yours that an approval answers. Where others deleted the cluster, who and why comes first."""
_NOTHING = re.compile(r"^Nothing[^.;]*[.;] *(?:Otherwise )?")
"""How the remedy of a reason begins that asks nobody: what follows is for the pass that is Stalled all the same."""
_OF_KIND = re.compile(r"For an? ([A-Z]\w+): ")
"""Where a remedy goes on with what is for one kind."""
_LINK = re.compile(r"\[([^][]*)\]\([^()]*\)")


def explain(world: World) -> Explanation:
    """Deterministic: an equal world gives an equal answer."""
    known = values(world)
    for question in _QUESTIONS:
        if (answer := question(world, known)) is not None:
            return answer
    return _by_conditions(world, known)


def step(record_: ReasonRecord, *, actor: Actor, known: Mapping[str, str]) -> Step:
    """What a reason asks of whoever has to act."""
    templates = COMMANDS.get(record_.word, ())
    if actor is not Actor.YOU and record_.severity is not Severity.AT_REST:
        templates = (*templates, WAIT)
    commands = [made for one in templates if (made := filled(one, known))] or _made(known, SEE)
    return Step(actor=actor, what=_asked(record_.remedy, actor), commands=tuple(commands))


def _asked(remedy: str, actor: Actor) -> str:
    """The remedy as one actor reads it: to you, a sentence that begins with *Nothing* is not the answer."""
    words = _LINK.sub(r"docs/\1", remedy)
    rest = _NOTHING.sub("", words, count=1) if actor is Actor.YOU else words
    return rest[:1].upper() + rest[1:] if rest else "Read the message."


def _for_kind(what: str, kind: str) -> str:
    """What a remedy says to all, and what it says for this kind; all of it where it says nothing for this kind."""
    parts = _OF_KIND.split(what)
    kept = [parts[0], *(words for name, words in zip(parts[1::2], parts[2::2], strict=True) if name == kind)]
    said = "".join(kept).strip()
    return said[:1].upper() + said[1:] if said else what


def _not_read(world: World, known: Mapping[str, str]) -> Explanation | None:
    subject = world.subject
    match world.found:
        case Found.FOUND:
            return None
        case Found.NOT_SERVED:
            what = (
                f"The API server does not know the kind {subject.kind}. Install the operator's "
                "CustomResourceDefinitions, or choose the context of the right Kubernetes cluster."
            )
            return _answer(world, NOT_SERVED, Step(actor=Actor.YOU, what=what, commands=(INSTALL,)))
        case Found.FORBIDDEN:
            what = f"You may not read {subject}. Ask an administrator for the verb get on {subject.plural}.{GROUP}."
            asked = f"kubectl auth can-i get {subject.plural}.{GROUP} -n {{namespace}}"
            return _answer(world, FORBIDDEN, Step(actor=Actor.YOU, what=what, commands=_made(known, asked)))
        case Found.MISSING:
            like = f" Of a similar name: {', '.join(world.elsewhere[:5])}." if world.elsewhere else ""
            where = f" There is no namespace {subject.namespace}." if world.no_namespace else ""
            what = (
                f"The API server has no {subject}.{where} Whether AWS has a cluster or volume of this name is not "
                f"known.{like} Check the name, namespace and context."
            )
            listed = f"kubectl get {subject.short} -A"
            return _answer(world, NOT_FOUND, Step(actor=Actor.YOU, what=what, commands=(listed,)))
        case _:
            assert_never(world.found)


def _no_leader(world: World, known: Mapping[str, str]) -> Explanation | None:
    operator = world.operator
    since = operator.seconds_since_renewal(world.now)
    pods = "kubectl get pods -n {operator_namespace} -l app.kubernetes.io/name=hyperpod-operator"
    where = operator.namespace
    if operator.lease is not None and (operator.stale(world.now) or not operator.holder):
        if _outlived(world):
            return None
        how = f"was last renewed {int(since or 0)} s ago" if since is not None else "has no holder"
        what = (
            f"No operator is running: its Lease in namespace {where} {how}. The status of {world.subject} is from "
            "before that. Start the operator. If it runs without leader election, delete the Lease: it is an old one."
        )
        links = (Link(level=Level.OPERATOR, about=f"Lease in {where}", says=f"The Lease {how}.", reason=NO_LEADER),)
        made = _made(known, pods, "kubectl get events -n {operator_namespace}")
        return _answer(world, NO_LEADER, Step(actor=Actor.YOU, what=what, commands=made), first=links)
    if operator.lease is None and not operator.unknown and not _seen(world):
        what = (
            f"There is no Lease of an operator that serves the namespace {world.subject.namespace}, and nothing has "
            "written a status: the operator is not installed here, or does not serve this namespace."
        )
        made = ("kubectl get pods -A -l app.kubernetes.io/name=hyperpod-operator",)
        return _answer(world, NO_LEADER, Step(actor=Actor.YOU, what=what, commands=made))
    return None


def _outlived(world: World) -> bool:
    """Whether status was written when the Lease was long over: an operator runs without it. Only its holder writes."""
    renewed = parse_time(text(inside(world.operator.lease, "spec", "renewTime")))
    fields = items(world.resource, "metadata", "managedFields")
    written = [parse_time(text(one.get("time"))) for one in fields if one.get("subresource") == "status"]
    return renewed is not None and any(one is not None and one - renewed > LONG_OVER for one in written)


def _of_the_operator(world: World) -> tuple[str, ...]:
    """Why it is not known whether an operator runs; nothing where it is."""
    operator = world.operator
    if operator.unknown:
        return (operator.unknown,)
    if world.found is not Found.FOUND:
        return ()
    if operator.lease is None:
        return ("Whether the operator runs: it has no Lease. Either leader election is disabled, or it is gone.",)
    if _outlived(world) and (operator.stale(world.now) or not operator.holder):
        return (
            f"Whether the operator runs: its Lease {operator.namespace}/{operator.lease_name} is over, and status was "
            "written long after that, so it runs without leader election, or did. Delete the Lease: it is an old one.",
        )
    return ()


def _not_seen(world: World, known: Mapping[str, str]) -> Explanation | None:
    if _seen(world):
        return None
    what = (
        "The operator has not reported on the current generation yet; its queue serves namespaces in turn. If this "
        "lasts longer than a minute, check that the operator serves this namespace."
    )
    return _answer(world, NOT_SEEN, Step(actor=Actor.NOBODY, what=what, commands=_made(known, WAIT)))


def _plan_waits(world: World, known: Mapping[str, str]) -> Explanation | None:
    plan = inside(world.resource, "status", "plan")
    state, digest = text(inside(plan, "state")), text(inside(plan, "digest"))
    ready = record(text(conditions(world).get("Ready", {}).get("reason")))
    # No approval helps: it is paused, or something else is asked of you first, and the plan may be an old one.
    held_back = ready is not None and (ready.severity is Severity.PAUSED or _comes_first(ready))
    if not digest or held_back or not awaited(plan):
        return None
    reason = text(conditions(world).get("PlanApproved", {}).get("reason")) or f"Plan{state}"
    said = text(inside(plan, "summary"))
    about = f": {said.rstrip('.')}" if said else ""
    what = f"A plan waits for your approval{about}. Read it, then approve it."
    read = "kubectl get {short} {name} -n {namespace} -o jsonpath='{{.status.plan}}'"
    made = _made(known, read, "kubectl hyperpod approve {object} -n {namespace}")
    return _answer(world, reason, Step(actor=Actor.YOU, what=what, commands=made))


def _comes_first(ready: ReasonRecord) -> bool:
    """Whether the summary asks something of you that is not the approval."""
    return ready.actor is Actor.YOU and ready.word not in APPROVED_BY_YOU


def awaited(plan: object) -> bool:
    """Whether a plan waits for an approval: a call of it does, or the approval that it has names another plan."""
    return text(inside(plan, "state")) == "Stale" or any(one.get("waits") is True for one in items(plan, "actions"))


_QUESTIONS: tuple[Callable[[World, Mapping[str, str]], Explanation | None], ...] = (
    _not_read,
    _no_leader,
    _not_seen,
    _plan_waits,
)


def _by_conditions(world: World, known: Mapping[str, str]) -> Explanation:
    """The summary's reason; where it asks nobody, the first condition that asks you, if any does."""
    found = conditions(world)
    ready = found.get("Ready", {})
    deleted = bool(inside(world.resource, "metadata", "deletionTimestamp"))
    whose = turn(map(stated, found.values()), deleted=deleted)
    word = text(ready.get("reason"))
    if whose.by is None:
        what = f"{text(ready.get('message'))} (This version of the plugin does not know the reason {word or 'given'}.)"
        return _answer(world, word, Step(actor=whose.actor, what=what, commands=_made(known, SEE)))
    next_step = step(whose.by, actor=whose.actor, known=known)
    next_step = replace(next_step, what=_for_kind(next_step.what, world.subject.kind))
    if next_step.actor is Actor.NOBODY and text(ready.get("status")) == "True":
        next_step = replace(next_step, commands=())  # nothing is waited for
    return _answer(world, str(whose.by.word), next_step)


def _seen(world: World) -> bool:
    generation = inside(world.resource, "metadata", "generation")
    return generation is None or inside(world.resource, "status", "observedGeneration") == generation


def _made(known: Mapping[str, str], *templates: str) -> tuple[str, ...]:
    return tuple(made for one in templates if (made := filled(one, known)))


def _answer(world: World, reason: str, chosen: Step, *, first: tuple[Link, ...] = ()) -> Explanation:
    links, left_out = chain(world)
    return Explanation(
        subject=str(world.subject),
        ready=text(conditions(world).get("Ready", {}).get("status")) or "Unknown",
        reason=reason,
        step=chosen,
        chain=(*first, *links),
        left_out=left_out,
        unknown=(*world.unknown, *_of_the_operator(world)),
    )
