"""The image itself: built from the Dockerfile, and run as its user on a read-only root file system."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path

import pytest
import yaml

from hyperpod_operator import __version__
from hyperpod_operator.aws.endpoints import SERVICES
from hyperpod_testbed.control_plane import ControlPlane
from hyperpod_testbed.image import Image, build, program
from hyperpod_testbed.image.operator import started
from hyperpod_testbed.simulator import Simulator
from hyperpod_testbed.stack import FAST, ROOT
from tools import service_models

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]

LOCK = ROOT / "requirements.lock"
EXAMPLE = yaml.safe_load((ROOT / "examples" / "gpu-and-cpu.yaml").read_text())


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    with build(directory=tmp_path_factory.mktemp("image"), arguments={"REVISION": "0123abc"}) as built:
        yield built


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A directory that every user may read."""
    directory = tmp_path / "files"
    directory.mkdir(mode=0o755)
    return directory


def packages(image: Image) -> dict[str, Distribution]:
    (site,) = (image.operators_tree / "lib").glob("python3*/site-packages")
    return {normal(found.name): found for found in distributions(path=[str(site)])}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def locked() -> dict[str, str]:
    """Version by name, without what is only for other systems."""
    pinned = re.findall(r"(?m)^([\w.-]+)==([^\s;]+)(?: ; ([^\\\n]+))?", LOCK.read_text())
    return {normal(name): version for name, version, marker in pinned if "win32" not in marker}


def test_it_runs_without_a_shell_as_nobody_with_nothing_to_write_to(image: Image, files: Path) -> None:
    command = (*program(image, files=files, environment={}), "version")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert __version__ in done.stdout


def test_its_user_is_a_number_that_is_not_root(image: Image) -> None:
    assert image.config["User"] == "65532:65532"


def test_its_labels_say_what_it_was_built_from(image: Image) -> None:
    labels = image.config["Labels"]
    assert labels["org.opencontainers.image.version"] == __version__
    assert labels["org.opencontainers.image.revision"] == "0123abc"


def test_it_has_the_packages_of_the_lock_and_no_others(image: Image) -> None:
    assert {name: found.version for name, found in packages(image).items()} == locked()


def test_the_bill_of_materials_lists_what_is_in_it(image: Image, tmp_path: Path) -> None:
    bill = tmp_path / "sbom.json"
    write = (sys.executable, "-m", "tools.supply", "sbom", "--output", bill)
    subprocess.run(write, cwd=ROOT, check=True, capture_output=True)
    listed = {normal(one["name"]): one["version"] for one in json.loads(bill.read_text())["components"]}
    assert {name: found.version for name, found in packages(image).items()}.items() <= listed.items()


def test_it_carries_no_test_bed_no_tests_and_no_compiler(image: Image) -> None:
    names = {path.name for path in (image.operators_tree).rglob("*")}
    assert not names & {"hyperpod_testbed", "testbed", "pytest", "pip", "setuptools", "wheel", "uv"}
    programs = {path.name for place in ("usr/bin", "usr/sbin") for path in (image.root / place).iterdir()}
    assert not programs & {"gcc", "cc", "g++", "c++", "clang", "make", "ld", "git"}


def test_it_carries_no_model_that_is_never_used(image: Image) -> None:
    (site,) = (image.operators_tree / "lib").glob("python3*/site-packages")
    assert {path.name for path in (site / "botocore" / "data").iterdir() if path.is_dir()} >= set(SERVICES)
    kept = {path.parents[1].name for path in (site / "botocore" / "data").glob("*/*/service-2.json.gz")}
    assert kept == set(service_models.CREDENTIALS)
    assert len(list((site / "botocore" / "data").iterdir())) < 25
    generated = [path for path in (site / "kubernetes").rglob("*.py") if path.parent.name in ("api", "models")]
    assert {path.name for path in generated} == {"__init__.py"}


def test_the_operators_tree_takes_less_than_90_mb(image: Image) -> None:
    assert image.operators_bytes < 90e6, f"{image.operators_bytes / 1e6:.1f} MB"


def test_each_module_of_it_is_compiled(image: Image) -> None:
    sources = [path for path in (image.operators_tree).rglob("*.py") if "__pycache__" not in path.parts]
    tag = f".cpython-3{sorted((image.operators_tree / 'lib').iterdir())[0].name.split('.')[1]}.pyc"
    lacking = [path for path in sources if not (path.parent / "__pycache__" / f"{path.stem}{tag}").exists()]
    assert len(sources) > 500
    assert lacking == []


def test_a_cluster_gets_ready_with_the_image_as_the_operator(
    image: Image, control_plane: ControlPlane, namespace: str, tmp_path: Path
) -> None:
    control_plane.install_crds(ROOT / "crds")
    tmp_path.chmod(0o755)
    with (
        Simulator(account="111122223333", speed=300.0, kubeconfig=control_plane.kubeconfig) as aws,
        started(image, plane=control_plane, environment=aws.environment(), directory=tmp_path, flags=FAST) as operator,
    ):
        status = Path(f"/proc/{operator.child.pid}/status").read_text()
        control_plane.kubectl("-n", namespace, "apply", "-f", "-", input=json.dumps(EXAMPLE))
        ready = ("wait", "hpc", EXAMPLE["metadata"]["name"], "--for=condition=Ready", "--timeout=90s")
        control_plane.kubectl("-n", namespace, *ready)
        control_plane.kubectl("-n", namespace, "delete", "hpc", EXAMPLE["metadata"]["name"], "--timeout=90s")
        code = operator.stop()
    assert re.search(r"(?m)^Uid:\s+65532\s+65532", status)
    assert code == 0, operator.child.tail()


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_every_package_of_the_lock_has_a_wheel_for(machine: str, tmp_path: Path) -> None:
    platforms = [f"--platform=manylinux_2_{minor}_{machine}" for minor in range(17, 40)]
    options = ("--quiet", "--no-deps", "--only-binary=:all:", "--require-hashes", "--python-version=3.13")
    command = (sys.executable, "-m", "pip", "download", *options, *platforms, "--dest", tmp_path, "-r", LOCK)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(list(tmp_path.glob("*.whl"))) == len(locked())
