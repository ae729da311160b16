"""What the plugin loads when it starts, and what its wheel carries."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder
from tests.unit.core.explain.worlds import unready
from tests.unit.plugin.fake import server, session

from kubectl_hyperpod.completion import candidates
from kubectl_hyperpod.main import COMMANDS

ROOT = Path(__file__).parents[3]
SLOW = {"pydantic", "kubernetes", "boto3", "botocore", "aiohttp", "kopf", "asyncio", "yaml", "ssl", "rich", "msgspec"}
EVERYTHING = (
    "import pkgutil, importlib, kubectl_hyperpod\n"
    "for one in pkgutil.walk_packages(kubectl_hyperpod.__path__, 'kubectl_hyperpod.'):\n"
    "    if '._operator' not in one.name: importlib.import_module(one.name)\n"
)


def python(code: str, *, path: Path | None = None) -> str:
    """Standard output of a fresh interpreter."""
    env = {"PYTHONPATH": str(path)} if path else {}
    return subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True).stdout


def test_no_verb_loads_anything_slow_before_it_asks_the_server() -> None:
    """A report alone writes YAML whatever is asked."""
    verbs = [verb for verb in COMMANDS if verb != "report"]
    code = f"import sys; from kubectl_hyperpod.main import main; [main.get_command(None, v) for v in {verbs}]"
    loaded = {name.partition(".")[0] for name in python(f"{code}; print(*sys.modules)").split()}
    assert SLOW & loaded == set()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    (built,) = WheelBuilder(str(ROOT / "plugin")).build(directory=str(folder))
    with zipfile.ZipFile(built) as archive:
        archive.extractall(folder / "installed")
    return folder / "installed"


def test_the_wheel_carries_every_module_that_it_uses(wheel: Path) -> None:
    shown = python(EVERYTHING + "import hyperpod_operator; print(hyperpod_operator.__file__)", path=wheel)
    assert shown.strip() == str(wheel / "kubectl_hyperpod/_operator/hyperpod_operator/__init__.py")


def test_the_wheel_carries_no_module_that_it_does_not_use(wheel: Path) -> None:
    loaded = python(EVERYTHING + "import sys; print(*(m.__file__ for m in sys.modules.values() if getattr(m, '__file__', '')))", path=wheel)  # fmt: skip # noqa: E501
    carried = {str(path) for path in (wheel / "kubectl_hyperpod").rglob("*.py")}
    assert carried - set(loaded.split()) == set()


def test_the_wheel_has_its_programs_and_licence(wheel: Path) -> None:
    (info,) = wheel.glob("*.dist-info")
    programs = (info / "entry_points.txt").read_text()
    assert "kubectl-hyperpod = kubectl_hyperpod.main:run" in programs
    assert "kubectl_complete-hyperpod = kubectl_hyperpod.completion:run" in programs
    assert (info / "licenses" / "LICENSE").is_file()


def test_verbs_are_completed() -> None:
    assert [line.partition("\t")[0] for line in candidates(["rep"])] == ["replace", "report"]


def test_options_are_completed() -> None:
    assert [line.partition("\t")[0] for line in candidates(["explain", "--oper"])] == ["--operator-namespace"]


def test_names_are_completed_and_a_server_that_is_away_offers_none(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = server(unready("Scaling"))
    monkeypatch.setattr("kubectl_hyperpod.options.session_of", lambda _: session(fake))
    assert candidates(["explain", "re"]) == ["research"]
    assert candidates(["explain", "hpc/re"]) == ["hpc/research"]
    assert candidates(["explain", "node/hyp"]) == ["node/hyperpod-i-0123456789abcdef0"]
    fake.refused = {"/apis/hyperpod-operator.dev/v1alpha1/namespaces/team/hyperpodclusters": 403}
    assert candidates(["explain", "re"]) == []
