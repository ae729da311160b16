"""`hyperpod-operator policies | kubectl apply -f -` on an API server that has nothing of the operator's yet."""

from collections.abc import Iterator

import pytest
import yaml
from click.testing import CliRunner

from hyperpod_operator.cli import main
from hyperpod_testbed.control_plane import ControlPlane


@pytest.fixture
def printed(control_plane: ControlPlane) -> Iterator[str]:
    """What the command prints by default. The API server serves no MutatingAdmissionPolicy."""
    text = CliRunner().invoke(main, ["policies"]).stdout
    yield text
    control_plane.kubectl("delete", "--ignore-not-found", "-f", "-", input=text)


@pytest.mark.parametrize("options", [(), ("--server-side",)], ids=["client-side", "server-side"])
def test_it_applies(control_plane: ControlPlane, printed: str, options: tuple[str, ...]) -> None:
    said = control_plane.kubectl("apply", *options, "-f", "-", input=printed)
    assert len(said.stdout.splitlines()) == len(list(yaml.safe_load_all(printed)))


def test_it_needs_no_namespace(printed: str) -> None:
    places = {found["metadata"].get("namespace") for found in yaml.safe_load_all(printed)}
    assert places == {None}


@pytest.mark.parametrize("option", ["--prefix", "--record-user"])
def test_what_needs_a_mutating_policy_comes_on_request(option: str) -> None:
    kinds = {found["kind"] for found in yaml.safe_load_all(CliRunner().invoke(main, ["policies", option]).stdout)}
    assert "MutatingAdmissionPolicy" in kinds


def test_two_installations_share_no_policy() -> None:
    """The second `kubectl apply` would take the fence of the first one's account away."""
    words = ["policies", "--prefix", "--record-user", "--namespace", "blue"]
    mine, theirs = (
        list(yaml.safe_load_all(CliRunner().invoke(main, [*words, *name]).stdout)) for name in ((), ("--name", "blue"))
    )
    assert not {one["metadata"]["name"] for one in mine} & {one["metadata"]["name"] for one in theirs}
    named = {one["metadata"]["name"] for one in theirs if one["kind"].endswith("Policy")}
    assert {one["spec"]["policyName"] for one in theirs if one["kind"].endswith("Binding")} == named
