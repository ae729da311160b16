"""The Dockerfile without Docker: its own install steps run in an empty place, and its words are checked."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import botocore.session
import pytest
import yaml

from hyperpod_operator import __version__
from hyperpod_operator.aws import endpoints, models
from hyperpod_testbed.helm import CHART
from tools import service_models

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
BUILD, IMAGE = re.split(r"(?m)^FROM \$\{PYTHON_IMAGE\}(?: AS build)?$", DOCKERFILE)[1:]


(CALLED,) = re.findall(r'(?m)^ENV CALLED="(.*)"', BUILD)
"""AWS services that the operator calls, with models of its own; the image keeps what else botocore has of them."""
(CREDENTIALS,) = re.findall(r'(?m)^ *CREDENTIALS="(.*)"$', BUILD)
"""AWS services that credentials may come from, by botocore's own models."""

LOCKS = ("requirements.lock", "requirements-otel.lock")
"""What the build argument LOCK may be; the first is its default."""


def _copied(stage: str, *, lock: str = LOCKS[0]) -> list[tuple[str, str]]:
    """Source and target of what a stage takes from the checkout."""
    lines = re.findall(r"(?m)^COPY ([^-].*)$", stage.replace("${LOCK}", lock))
    return [(source, target) for source, target in (line.split() for line in lines)]


@pytest.fixture(scope="module", params=LOCKS)
def lock(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def prefix(tmp_path_factory: pytest.TempPathFactory, lock: str) -> Path:
    """What the build stage leaves behind; needs the package index."""
    place = tmp_path_factory.mktemp("image")
    source, prefix = place / "src", place / "prefix"
    source.mkdir()
    for name, target in _copied(BUILD, lock=lock):
        put = source / (Path(name).name if target == "./" else target)
        put.parent.mkdir(parents=True, exist_ok=True)
        _ = shutil.copytree(ROOT / name, put) if (ROOT / name).is_dir() else shutil.copy(ROOT / name, put)
    (command,) = re.findall(r"(?ms)^RUN (.*?[^\\])$", BUILD)
    env = {**os.environ, "PREFIX": str(prefix), "LOCK": lock, "CALLED": CALLED, "CREDENTIALS": CREDENTIALS}
    env.pop("VIRTUAL_ENV", None)
    done = subprocess.run(
        ["sh", "-c", command.replace("\\\n", "")], cwd=source, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    shutil.rmtree(source)
    return prefix


def test_it_leaves_out_the_models_that_the_operator_carries_and_no_others() -> None:
    assert set(CALLED.split()) == set(models.CARRIED)
    assert set(endpoints.SERVICES) <= set(CALLED.split())


def test_it_keeps_the_models_of_services_that_credentials_come_from() -> None:
    assert tuple(CREDENTIALS.split()) == service_models.CREDENTIALS
    assert set(CREDENTIALS.split()) <= set(botocore.session.get_session().get_available_services())


@pytest.mark.long
def test_the_installed_operator_starts_with_nothing_to_write_to(prefix: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o500)
    before = {path: path.stat().st_mtime_ns for path in prefix.rglob("*")}
    env = {"HOME": str(home), "PATH": f"{prefix / 'bin'}:/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"}
    for command, said in (
        ("version", __version__),
        ("crds", "kind: CustomResourceDefinition"),
        ("run --help", "--region"),
    ):
        done = subprocess.run(
            ["hyperpod-operator", *command.split()], cwd="/", env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert said in done.stdout
    imported = "import hyperpod_operator.app.process, sys; print(sys.modules['botocore'].__file__)"
    done = subprocess.run(
        [prefix / "bin" / "python", "-c", imported], env=env, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith(str(prefix)), "packages of the image, not of the machine"
    assert {path: path.stat().st_mtime_ns for path in prefix.rglob("*")} == before
    assert list(home.iterdir()) == []


@pytest.mark.long
def test_the_image_sends_traces_where_its_lock_has_the_packages_and_says_so_where_not(prefix: Path, lock: str) -> None:
    asked = "from hyperpod_operator.app.traces import tracing; tracing('http://127.0.0.1:9').close()"
    done = subprocess.run([prefix / "bin" / "python", "-c", asked], capture_output=True, text=True, check=False)
    assert (done.returncode == 0) == (lock == "requirements-otel.lock"), done.stderr
    assert done.returncode == 0 or "--build-arg LOCK=requirements-otel.lock" in done.stderr


@pytest.mark.long
def test_neither_test_bed_nor_build_tools_are_in_it(prefix: Path) -> None:
    (site,) = prefix.glob("lib/python3*/site-packages")
    found = {path.name.partition("-")[0].lower() for path in site.iterdir()}
    assert "hyperpod_operator" in found
    assert not {"hyperpod_testbed", "pip", "setuptools", "pytest", "hatchling", "mypy", "moto"} & found


def test_the_image_runs_as_a_number_that_is_nobodys_on_the_node() -> None:
    (user,) = re.findall(r"(?m)^USER (\d+):\d+$", IMAGE)
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    assert int(user) >= 10_000
    assert int(user) == values["podSecurityContext"]["runAsUser"]


def test_the_base_has_a_tag_that_names_a_version() -> None:
    (base,) = re.findall(r"(?m)^ARG PYTHON_IMAGE=(.+)$", DOCKERFILE)
    assert re.fullmatch(r"python:3\.\d+-slim-[a-z]+(@sha256:[0-9a-f]{64})?", base)


def test_packages_are_checked_by_hash_and_nothing_is_compiled_from_source() -> None:
    assert "--require-hashes" in BUILD
    assert "--only-binary=:all:" in BUILD
    assert "--no-deps" in BUILD, "the lock is complete; what it lacks must not come silently"


def test_everything_that_is_copied_reaches_the_builder() -> None:
    """The ignore file lets through what it names, and no more."""
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    admitted = {line.removeprefix("!") for line in lines if line.startswith("!")}
    assert "*" in lines
    assert {source for lock in LOCKS for source, _ in (*_copied(BUILD, lock=lock), *_copied(IMAGE))} == admitted
    assert f"ARG LOCK={LOCKS[0]}\n" in BUILD


def test_the_label_has_the_operators_version() -> None:
    assert f"ARG VERSION={__version__}\n" in IMAGE
