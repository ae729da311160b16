"""Breaks functions of the core one by one and says which breaks no test notices; `make mutation` runs it.

mutmut makes the changes and runs, for each, the tests that reach the changed function. It works in a scratch copy with
the layout that it knows, so the checkout stays as it is. A run takes a sample of functions by seed: all of the core is
some ten thousand changes. Tables of the core are changed row by row in tests/unit/core (`test_*tables*`), since mutmut
changes functions only.
"""

import argparse
import ast
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hyperpod_testbed.environments import ToolEnvironmentError, environment

ROOT = Path(__file__).parent.parent
LOCK = Path(__file__).with_name("mutmut.lock")
PACKAGE = ROOT / "operator" / "hyperpod_operator"
COPIED = ("tests", "conftest.py", "pyproject.toml")
TESTS = ("tests/unit/core",)
OUTCOMES = {0: "survived", 5: "no tests", 33: "no tests", 34: "skipped", 37: "caught by types"}
"""mutmut's exit code of a change to what it means: any other is a change that a test noticed or that ran too long."""


@dataclass(frozen=True, slots=True, order=True)
class Function:
    """A function or method of the package, as mutmut names it."""

    module: str
    cls: str
    """The class of a method; empty for a function of the module."""
    name: str

    @property
    def pattern(self) -> str:
        """What `mutmut run` takes for all changes of this function."""
        inner = f"xǁ{self.cls}ǁ{self.name}" if self.cls else f"x_{self.name}"
        return f"{self.module}.{inner}__mutmut_*"


def functions(folder: Path) -> Iterator[Function]:
    """Every function and method below a folder of the package that has a body to change."""
    for path in sorted(folder.rglob("*.py")):
        module = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
        tree = ast.parse(path.read_text())
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.decorator_list:
                yield Function(module, "", node.name)
            if isinstance(node, ast.ClassDef):
                for inner in node.body:
                    if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef) and not inner.decorator_list:
                        yield Function(module, node.name, inner.name)


def sample(folder: Path, *, count: int, seed: int) -> Sequence[Function]:
    """`count` functions, or all where there are fewer; the same for the same seed and code."""
    found = list(functions(folder))
    return sorted(random.Random(seed).sample(found, min(count, len(found))))


def configuration(chosen: Sequence[Function]) -> str:
    """mutmut's section of pyproject.toml."""
    modules = sorted({function.module.replace(".", "/") for function in chosen})
    lists = {
        "source_paths": ["src"],
        "only_mutate": [f"src/{module}.py" for module in modules],
        "also_copy": ["tests", "conftest.py"],
        "pytest_add_cli_args_test_selection": list(TESTS),
        "pytest_add_cli_args": ["-p", "no:cacheprovider", "-m", "not slow and not long and not control_plane"],
    }
    return "\n[tool.mutmut]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in lists.items())


def outcomes(scratch: Path, chosen: Sequence[Function]) -> Mapping[str, str]:
    """Each change of the chosen functions and what became of it."""
    prefixes = tuple(function.pattern.removesuffix("*") for function in chosen)
    found = {}
    for path in sorted((scratch / "mutants").rglob("*.meta")):
        for name, code in json.loads(path.read_text())["exit_code_by_key"].items():
            if name.startswith(prefixes) and code is not None:
                found[name] = OUTCOMES.get(code, "noticed")
    return found


def report(found: Mapping[str, str]) -> str:
    """The counts and the score: of the changes that some test reaches, how many a test noticed."""
    counts = Counter(found.values())
    reached = counts["noticed"] + counts["survived"]
    score = f"{100 * counts['noticed'] / reached:.0f} %" if reached else "unknown"
    numbers = ", ".join(f"{number} {outcome}" for outcome, number in sorted(counts.items()))
    return f"{len(found)} changes: {numbers}; score {score} of those that a test reaches"


def prepared(scratch: Path, chosen: Sequence[Function]) -> None:
    """Copy the package and its tests into the layout that mutmut knows."""
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PACKAGE, scratch / "src" / PACKAGE.name, ignore=ignore)
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, scratch / name, ignore=ignore)
        else:
            shutil.copy(source, scratch / name)
    with (scratch / "pyproject.toml").open("a") as project:
        project.write(configuration(chosen))


def mutmut(scratch: Path, site: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run mutmut with the project's own packages before those of its environment: their versions are under test."""
    program = "import sys; sys.path.append(sys.argv.pop(1)); from mutmut.__main__ import cli; cli()"
    return subprocess.run(
        [sys.executable, "-c", program, str(site), *arguments],
        cwd=scratch,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.mutation", description=__doc__.partition("\n")[0])
    parser.add_argument("--functions", type=int, default=30, metavar="N", help="how many (default: 30)")
    parser.add_argument("--seed", type=int, default=1, help="which (default: 1)")
    parser.add_argument("--folder", default="core", help="below the package (default: core)")
    chosen_options = parser.parse_args(arguments)
    folder = PACKAGE / chosen_options.folder
    if not folder.is_dir():
        parser.error(f"{folder} is no folder of the package")
    chosen = sample(folder, count=chosen_options.functions, seed=chosen_options.seed)
    try:
        site = next((environment(LOCK).parent / "lib").glob("python*/site-packages"))
    except ToolEnvironmentError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    with tempfile.TemporaryDirectory(prefix="hyperpod-mutation-") as made:
        scratch = Path(made)
        prepared(scratch, chosen)
        done = mutmut(scratch, site, "run", *(function.pattern for function in chosen))
        found = outcomes(scratch, chosen)
        if done.returncode or not found:
            last = done.stdout.replace("\r", "\n").splitlines()[-40:]
            sys.stderr.write("\n".join(last) + f"\nmutmut exited {done.returncode}\n")
            return 1
        for name in sorted(name for name, outcome in found.items() if outcome == "survived"):
            sys.stdout.write(f"survived: {name}\n{mutmut(scratch, site, 'show', name).stdout}\n")
        sys.stdout.write(f"{report(found)} (seed {chosen_options.seed}, {len(chosen)} functions)\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
