"""The stage of the demo: commands where the audience sees them, and waiting for what they show."""

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import click

from hyperpod_testbed.control_plane.build import sources
from hyperpod_testbed.control_plane.tools import is_built
from hyperpod_testbed.stack import ROOT, Stack

NAME = "research"
PATIENCE = 120.0
"""Real seconds that a scene may take."""
COLUMNS = 118
"""Characters of a line that are shown, besides its indentation: a terminal of 120 columns wraps none."""
MANIFESTS = ROOT / "testbed" / "demo"
"""What the scenes apply besides the examples: a command that names a file can be typed."""
PLUGIN = Path(sys.executable).parent / "kubectl-hyperpod"


def announced() -> bool:
    """Say what is built first and how long that takes. Returns whether the operator gets the account of its chart."""
    print(sources(), file=sys.stderr, flush=True)
    rendered = is_built("helm")
    if not rendered:
        print(
            "helm is not built, so the operator runs as an administrator, without the rights and admission policies of "
            "its chart (`hyperpod-testbed build` builds helm in about 5 minutes).",
            file=sys.stderr,
            flush=True,
        )
    return rendered


class Stage:
    """Runs commands where the audience sees them, and waits for what they show."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self._started = time.monotonic()

    def title(self, text: str) -> None:
        print(f"\n=== {time.monotonic() - self._started:5.1f} s  {text}", flush=True)

    def note(self, text: str) -> None:
        """What no command shows: what happens to the operator's process, what AWS was asked."""
        print(f"  ({text})", flush=True)

    def run(self, *args: str) -> str:
        """Run kubectl."""
        return self._shown(self.stack.plane.kubectl_command(*args), typed("kubectl", args))

    def plugin(self, *args: str) -> str:
        """Run the kubectl plugin, as `kubectl hyperpod` would."""
        command = [str(PLUGIN), *args, f"--kubeconfig={self.stack.plane.kubeconfig}"]
        return self._shown(command, typed("kubectl hyperpod", args))

    def apply(self, path: Path, *, edit: str = "", text: str | None = None) -> None:
        """Apply a file of the checkout; `edit` is the command of sed whose output `text` is."""
        name = str(path.relative_to(ROOT))
        if text is None:
            self._shown(self.stack.plane.kubectl_command("apply", "-f", str(path)), f"kubectl apply -f {name}")
        else:
            command = self.stack.plane.kubectl_command("apply", "-f", "-")
            self._shown(command, f"sed '{edit}' {name} | kubectl apply -f -", text=text)

    def watch(self, *, until: Callable[[str], bool], what: str) -> None:
        """`kubectl get hpc -w`, a line for each change, until a row is as it should be."""
        print(f"$ kubectl get hpc {NAME} -w | cut -c-{COLUMNS}", flush=True)
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
        raise click.ClickException(f"{what} did not come in {PATIENCE:.0f} s. The end of the operator's log:\n{log}")

    def show_when(self, *args: str, done: Callable[[str], bool], what: str) -> str:
        """Run kubectl unseen until its output is as it should be, then where the audience sees it."""
        wait(lambda: done(self.stack.plane.kubectl(*args, check=False).stdout), what)
        return self.run(*args)

    def _shown(self, command: Sequence[str], line: str, *, text: str | None = None) -> str:
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=False, timeout=PATIENCE)
        said = done.stdout + done.stderr
        cut = f" | cut -c-{COLUMNS}" if any(len(one) > COLUMNS for one in said.splitlines()) else ""
        print(f"$ {line}{cut}", flush=True)
        print(indented(said), flush=True)
        if done.returncode:
            raise click.ClickException(f"the command failed; the operator's log: {self.stack.operator.log}")
        return done.stdout


def typed(program: str, args: Sequence[str]) -> str:
    """The command as a shell takes it, with single quotes where it needs any."""
    quoted = [one if one and not set(one) & set(" '\"{}()$*[]<>|&;\\") else "'" + one + "'" for one in args]
    return " ".join([program, *quoted])


def wait(done: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not done():
        if time.monotonic() > deadline:
            raise click.ClickException(f"{what} did not come in {PATIENCE:.0f} s")
        time.sleep(0.2)


def indented(text: str) -> str:
    return "\n".join(f"  {line[:COLUMNS]}" for line in text.rstrip().splitlines())
