"""The stage of the demo: commands where the audience sees them, and waiting for what they show."""

import re
import time
from collections.abc import Callable

import click

from hyperpod_testbed.stack import Stack

NAME = "research"
PATIENCE = 120.0
"""Real seconds that a scene may take."""


class Stage:
    """Runs commands where the audience sees them, and waits for what they show."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self._started = time.monotonic()

    def title(self, text: str) -> None:
        print(f"\n=== {time.monotonic() - self._started:5.1f} s  {text}", flush=True)

    def run(self, *args: str, shown: str | None = None, text: str | None = None) -> str:
        """Run kubectl; `shown` is the command line as the audience should read it."""
        print(f"$ {shown or 'kubectl ' + ' '.join(args)}", flush=True)
        done = self.stack.plane.kubectl(*args, input=text, check=False)
        print(indented(done.stdout + done.stderr), flush=True)
        if done.returncode:
            raise click.ClickException(
                f"kubectl {' '.join(args)} failed; the operator's log: {self.stack.operator.log}"
            )
        return done.stdout

    def watch(self, *, until: Callable[[str], bool], what: str) -> None:
        """`kubectl get hpc -w`, a line for each change, until a row is as wished."""
        print(f"$ kubectl get hpc {NAME} -w", flush=True)
        deadline, last, header = time.monotonic() + PATIENCE, "", False
        while time.monotonic() < deadline:
            table = self.stack.plane.kubectl("get", "hpc", NAME, check=False).stdout.splitlines()
            row = table[-1] if len(table) > 1 else ""
            without_age = row.rsplit(None, 1)[0] if row else ""
            if without_age != last:
                if not header:
                    print(indented(table[0]))
                    header = True
                print(indented(row), flush=True)
                last = without_age
            if row and until(row):
                return
            time.sleep(0.2)
        log = self.stack.operator.child.tail(20)
        raise click.ClickException(f"{what} did not come in {PATIENCE:.0f} s. The operator's last words:\n{log}")

    def apply(self, manifest: str, *, edit: str) -> None:
        """Apply an edited example."""
        self.run("apply", "-f", "-", shown=f"{edit} | kubectl apply -f -", text=manifest)

    def show_when(self, *args: str, done: Callable[[str], bool], what: str) -> str:
        """Run kubectl unseen until its output is as wished, then where the audience sees it."""
        wait(lambda: done(self.stack.plane.kubectl(*args, check=False).stdout), what)
        return self.run(*args)


def wait(done: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not done():
        if time.monotonic() > deadline:
            raise click.ClickException(f"{what} did not come in {PATIENCE:.0f} s")
        time.sleep(0.2)


def edited(manifest: str, old: str, new: str) -> str:
    made, count = re.subn(old, new, manifest)
    if count != 1:
        raise click.ClickException(f"the example changed: {old!r} stands in it {count} times, not once")
    return made


def indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.rstrip().splitlines())
