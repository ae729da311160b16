"""The preflight against real discovery and real RBAC; its commands are run, not only read."""

import asyncio
import shlex
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import yaml

from hyperpod_operator.core.lease import LeaseSettings
from hyperpod_operator.kube import preflight
from hyperpod_operator.kube.client import ApiServer
from hyperpod_testbed.control_plane import ControlPlane

ROOT = Path(__file__).parents[2]

SECONDS = 60.0
"""How long a condition is awaited; far longer than anything takes."""

Connect = Callable[[Path], Awaitable[ApiServer]]


@pytest.fixture(scope="module", autouse=True)
def crds(control_plane: ControlPlane) -> None:
    control_plane.install_crds(ROOT / "crds")


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    async with AsyncExitStack() as stack:

        async def connect(kubeconfig: Path) -> ApiServer:
            api = await ApiServer.connect(kubeconfig=str(kubeconfig))
            stack.push_async_callback(api.close)
            return api

        yield connect


def follow(control_plane: ControlPlane, problem: preflight.Problem) -> None:
    """Run the commands of a fix, as the administrator who reads them would."""
    commands = problem.fix.partition(" (or ")[0]
    for command in commands.split(" && "):
        kubectl, *args = shlex.split(command)
        assert kubectl == "kubectl"
        control_plane.kubectl(*args)


async def until(ask: Callable[[], Awaitable[object]], wanted: object) -> None:
    """The API server's authorizer follows roles and bindings by watches, a moment behind whoever made them."""
    deadline = time.monotonic() + SECONDS
    while (found := await ask()) != wanted and time.monotonic() < deadline:  # noqa: ASYNC110 - in another process
        await asyncio.sleep(0.1)
    assert found == wanted


async def test_an_administrator_has_nothing_to_fix(control_plane: ControlPlane, connect: Connect) -> None:
    assert await preflight.check(await connect(control_plane.kubeconfig)) == ()


async def test_a_kind_that_is_not_served_is_named_with_the_command(
    control_plane: ControlPlane, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preflight, "API_VERSION", "hyperpod-operator.dev/v9")
    problems = await preflight.check(await connect(control_plane.kubeconfig))
    assert [problem.fix for problem in problems] == ["hyperpod-operator crds | kubectl apply --server-side -f -"] * 2
    assert "hyperpodclusters of API version hyperpod-operator.dev/v9 is not served" in str(problems[0])
    assert control_plane.url in str(problems[0])


async def test_a_user_without_rights_is_told_which_and_how_to_get_them(
    control_plane: ControlPlane, namespace: str, connect: Connect
) -> None:
    user = f"nobody-{namespace}"
    api = await connect(control_plane.user_kubeconfig(user, ["people"]))
    problems = await preflight.check(api)
    assert [problem.what for problem in problems] == [
        f"{user} may not get, list, watch and patch hyperpodclusters.hyperpod-operator.dev",
        f"{user} may not patch hyperpodclusters.hyperpod-operator.dev/status",
        f"{user} may not create and patch events.events.k8s.io",
    ]


async def test_following_the_commands_solves_every_problem(
    control_plane: ControlPlane, namespace: str, connect: Connect
) -> None:
    control_plane.kubectl("create", "serviceaccount", "operator", "-n", namespace)
    api = await connect(control_plane.service_account_kubeconfig(namespace, "operator"))
    lease = LeaseSettings(namespace=namespace)
    problems = await preflight.check(api, namespaces=(namespace,), duties=preflight.Duties(lease=lease))
    assert len(problems) == 5
    assert all(f"namespace {namespace}" in problem.where for problem in problems)
    for problem in problems:
        follow(control_plane, problem)
    await until(lambda: preflight.check(api, namespaces=(namespace,), duties=preflight.Duties(lease=lease)), ())


async def test_rights_to_the_lease_are_asked_where_it_is_and_for_it_alone(
    control_plane: ControlPlane, namespace: str, connect: Connect
) -> None:
    api = await connect(control_plane.user_kubeconfig(f"nobody-{namespace}"))
    problems = await preflight.check(
        api, duties=preflight.Duties(lease=LeaseSettings(namespace=namespace, name="mine"))
    )
    fixes = [problem.fix for problem in problems if "leases" in problem.what]
    assert all(f"--namespace={namespace} " in fix for fix in fixes)
    assert ["--resource-name=mine" in fix for fix in fixes] == [False, True]


async def test_only_what_is_missing_is_reported(control_plane: ControlPlane, namespace: str, connect: Connect) -> None:
    user = f"reader-{namespace}"
    control_plane.kubectl(
        *("create", "role", "reader", f"--namespace={namespace}", "--verb=get,list"),
        "--resource=hyperpodclusters.hyperpod-operator.dev",
    )
    control_plane.kubectl(
        *("create", "rolebinding", "reader", f"--namespace={namespace}", "--role=reader", f"--user={user}")
    )
    api = await connect(control_plane.user_kubeconfig(user))

    async def first() -> str:
        return (await preflight.check(api, namespaces=(namespace,)))[0].what

    await until(first, f"{user} may not watch and patch hyperpodclusters.hyperpod-operator.dev")


async def test_credentials_that_are_refused_are_a_problem_like_the_others(
    control_plane: ControlPlane, connect: Connect, tmp_path: Path
) -> None:
    config = yaml.safe_load(control_plane.kubeconfig.read_text())
    config["users"] = [{"name": user["name"], "user": {"token": "bad"}} for user in config["users"]]
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    (problem,) = await preflight.check(await connect(path))
    assert "HTTP 401" in problem.what


async def test_a_namespace_that_does_not_exist_is_named_with_the_command(
    control_plane: ControlPlane, namespace: str, connect: Connect
) -> None:
    api = await connect(control_plane.kubeconfig)
    (problem,) = await preflight.missing_namespaces(api, (namespace, "nowhere"))
    assert "the namespace nowhere does not exist" in problem.what
    assert problem.fix.startswith("kubectl create namespace nowhere")


async def test_a_namespace_that_may_not_be_read_is_taken_to_exist(
    control_plane: ControlPlane, namespace: str, connect: Connect
) -> None:
    api = await connect(control_plane.user_kubeconfig("reader-of-nothing", ["people"]))
    assert await preflight.missing_namespaces(api, (namespace,)) == ()
