"""What the demo and `make dev` say before they start, and commands that can be copied from the demo."""

import shlex
from pathlib import Path

import pytest
import yaml

from hyperpod_testbed.control_plane.build import sources
from hyperpod_testbed.control_plane.releases import PINNED, VARIABLE
from hyperpod_testbed.control_plane.tools import is_built
from hyperpod_testbed.demo import SPEED
from hyperpod_testbed.stage import COLUMNS, MANIFESTS, indented, typed

ENVTEST = ("etcd", "kube-apiserver", "kubectl")
"""What setup-envtest downloads."""


@pytest.fixture(autouse=True)
def empty_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    monkeypatch.delenv(VARIABLE, raising=False)


def test_what_is_built_first_is_said_with_its_time() -> None:
    assert sources() == f"To be built, once, in about 7 minutes: {', '.join(PINNED.packages)}."


def test_binaries_of_setup_envtest_are_used_and_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ENVTEST:
        (tmp_path / name).touch()
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path))
    assert sources() == (
        f"Control plane: {', '.join(ENVTEST)} from KUBEBUILDER_ASSETS ({tmp_path}). To be built, once, in about 3 "
        "minutes: kube-scheduler, kube-controller-manager."
    )


def test_helm_is_not_built_to_find_out_whether_it_is() -> None:
    assert not is_built("helm")


def test_a_command_of_the_demo_is_one_for_a_shell() -> None:
    args = ("get", "hpc", "-o", 'jsonpath={.status.conditions[?(@.type=="Ready")].message}', "--", "")
    assert shlex.split(typed("kubectl", args)) == ["kubectl", *args]


def test_no_line_of_the_demo_wraps() -> None:
    assert max(len(line) for line in indented("x" * 500 + "\nshort").splitlines()) <= COLUMNS + 2


@pytest.mark.parametrize("path", sorted(MANIFESTS.iterdir()), ids=lambda path: path.name)
def test_what_the_demo_applies_is_a_file_with_an_object(path: Path) -> None:
    assert {"apiVersion", "kind", "metadata", "spec"} <= yaml.safe_load(path.read_text()).keys()


def test_the_readme_says_how_fast_the_demos_clock_runs() -> None:
    assert (
        f"whose clock runs {SPEED:.0f} times as fast as AWS's" in (Path(__file__).parents[2] / "README.md").read_text()
    )
