"""An explanation as text: the step first, because that is what was asked; the chain below it as the evidence."""

import shutil
import sys
import textwrap
from datetime import datetime

from hyperpod_operator.api.reasons import Actor
from hyperpod_operator.core.explain.explanation import Explanation, Link, Step
from kubectl_hyperpod.view.age import age

WIDTH = 110
WHO = {Actor.YOU: "You have to act.", Actor.AWS: "AWS has to finish.", Actor.NOBODY: "No action is needed."}
IDLE = {Actor.AWS: "AWS has to finish; you need to do nothing", Actor.NOBODY: "You need to do nothing"}
"""How a step goes on that begins with *Nothing*."""


def width() -> int:
    """The terminal's, within what reads well; WIDTH for a pipe or file, whatever COLUMNS says there."""
    if not sys.stdout.isatty():
        return WIDTH
    return max(60, min(WIDTH, shutil.get_terminal_size((WIDTH, 24)).columns))


def lines(found: Explanation, *, now: datetime, width: int = WIDTH) -> list[str]:
    """At most `width` characters each, except for commands, which are to be copied."""
    made = [f"{found.subject}: Ready={found.ready}, {found.reason or 'no reason'}", ""]
    made += _wrapped(sentence(found.step), width=width, indent="  ")
    made += [f"    {command}" for command in found.step.commands]
    if found.chain:
        made += ["", "Why, from the resource down:"]
        for link in found.chain:
            made += _link(link, now=now, width=width)
    if found.left_out:
        made.append(f"  ({found.left_out} more are left out; `kubectl describe` shows all)")
    if found.unknown:
        made += ["", "Not known:"]
        for one in found.unknown:
            made += _wrapped(one, width=width, indent="  ")
    return made


def sentence(step: Step) -> str:
    """Who acts, and what: one sentence where a step asks nothing of you."""
    idle = IDLE.get(step.actor)
    if idle is not None and step.what.startswith("Nothing"):
        return idle + step.what.removeprefix("Nothing")
    return f"{WHO[step.actor]} {step.what}"


def _link(link: Link, *, now: datetime, width: int) -> list[str]:
    since = age(link.since, now)
    head = f"  {link.level:<9} " + " ".join(filter(None, (link.about, link.reason)))
    made = [head + (f" ({since} ago)" if since else "")]
    return made + (_wrapped(link.says, width=width, indent=" " * 12) if link.says else [])


def _wrapped(words: str, *, width: int, indent: str) -> list[str]:
    return textwrap.wrap(
        words, width, initial_indent=indent, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
