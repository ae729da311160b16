"""A conformance run: what it spends, what it shows of an account, and what it leaves behind."""

import dataclasses
import itertools
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
from click.testing import CliRunner

from hyperpod_testbed.conformance.caller import Budget, Caller, OverBudgetError, clients
from hyperpod_testbed.conformance.cleaning import clean
from hyperpod_testbed.conformance.command import DIFFERENT, conformance
from hyperpod_testbed.conformance.compare import OwnedClock
from hyperpod_testbed.conformance.nodes import OF_NODES, joining
from hyperpod_testbed.conformance.questions import QUESTIONS
from hyperpod_testbed.conformance.record import FORMAT, Call, Record, RecordError, Redaction, Writer
from hyperpod_testbed.conformance.run import Run
from hyperpod_testbed.conformance.session import MOST_NODES, play
from hyperpod_testbed.conformance.steps.beginning import KUBERNETES
from hyperpod_testbed.conformance.target import EXAMPLE, RUN_TAG, Target, TargetError
from hyperpod_testbed.control_plane import ControlPlane
from hyperpod_testbed.simulator import Fault, Options, Simulator, Timings, profile
from hyperpod_testbed.simulator.direct import Direct

MINE = {RUN_TAG: "mine"}


@contextmanager
def a_run(sim: Simulator, *, limit: float = 1000.0, sink: Any = lambda _: None, interrupt: str = "") -> Iterator[Run]:
    """A run against the simulator; `interrupt` names the step whose first call is met by Ctrl-C."""

    def watched(call: Call) -> None:
        sink(call)
        if interrupt and call.step == interrupt:
            raise KeyboardInterrupt

    session = boto3.Session(aws_access_key_id="TESTBED", aws_secret_access_key="canary-secret-key")
    made = clients(session, region=EXAMPLE.region, endpoint_url=sim.url)
    direct = Direct()
    direct.serve(sim)
    for client in made.values():
        direct.take(client)
    budget = Budget(limit=limit, price_per_node_hour=EXAMPLE.pricePerNodeHour, most_nodes=MOST_NODES)
    try:
        caller = Caller(clients=made, pace=OwnedClock(sim), budget=budget, sink=watched)
        yield Run(id="mine", target=EXAMPLE, caller=caller, rounds=1)
    finally:
        for client in made.values():
            client.close()


def left_in(sim: Simulator) -> tuple[int, int, int]:
    """Clusters, volumes and snapshots in the account."""
    return len(clusters_in(sim)), len(sim.ebs.volumes()), len(sim.ebs.snapshots())


def clusters_in(sim: Simulator) -> set[str]:
    with sim.core.present() as world:
        return {cluster.name for cluster in world.account.clusters()}


def quiet(_: str) -> None:
    """Nobody listens."""


@pytest.fixture
def account(start_simulator: Any) -> Simulator:
    """A simulator of the example's account."""
    sim: Simulator = start_simulator()
    return sim


@pytest.mark.parametrize("step", ["creation.create", "joining.first.nodes", "volumes.attach", "disks.snapshot"])
def test_an_interrupted_run_cleans_up(step: str, account: Simulator) -> None:
    with a_run(account, interrupt=step) as run:
        ended = play(run, say=quiet)
    account.clock.advance(60)
    assert ended.failed[-1] == "interrupted"
    assert ended.left == ()
    assert left_in(account) == (0, 0, 0)


@pytest.mark.parametrize("kind", ["", "commit_then_drop"], ids=["accepted", "without an answer"])
def test_a_cluster_that_aws_does_not_show_yet_is_waited_for_and_deleted(kind: Any, account: Simulator) -> None:
    account.settings.set_options(create_lag=120.0)
    if kind:
        account.faults.add(Fault("CreateCluster", kind, call_index=5))
    with a_run(account, interrupt="creation.create") as run:
        ended = play(run, say=quiet)
    assert ended.left == ()
    assert len(account.log.calls("DeleteCluster")) >= 1
    account.clock.advance(200)
    assert left_in(account) == (0, 0, 0)


def test_a_volume_whose_creation_had_no_answer_is_found_by_its_tag(account: Simulator) -> None:
    account.settings.set_options(volume_lag=45.0)
    account.faults.add(Fault("CreateVolume", "commit_then_drop", times=1))
    with a_run(account, interrupt="volumes.create") as run:
        ended = play(run, say=quiet)
    assert ended.left == ()
    account.clock.advance(60)
    assert left_in(account) == (0, 0, 0)


@pytest.mark.parametrize(
    ("denied", "left"),
    [
        ("DescribeCluster", "perhaps cluster hyperpod-conformance-mine: DescribeCluster answers AccessDenied"),
        ("sagemaker:ListTags", "perhaps cluster hyperpod-conformance-mine: ListTags answers AccessDenied"),
        ("DescribeVolumes", "perhaps volumes: DescribeVolumes answers UnauthorizedOperation"),
        ("DescribeSnapshots", "perhaps snapshots: DescribeSnapshots answers UnauthorizedOperation"),
    ],
)
def test_what_cannot_be_read_is_not_taken_for_gone(denied: str, left: str, account: Simulator) -> None:
    account.world.create_foreign_cluster("hyperpod-conformance-mine", region=EXAMPLE.region, tags=MINE)
    account.access.deny(denied)
    with a_run(account) as run:
        assert any(line.startswith(left) for line in clean(run))


def test_another_interruption_ends_the_cleaning_and_names_the_command(account: Simulator) -> None:
    def again(call: Call) -> None:
        if call.step.startswith("cleaning."):
            raise KeyboardInterrupt

    with a_run(account, sink=again, interrupt="creation.create") as run:
        ended = play(run, say=quiet)
    (line,) = ended.left
    assert "--clean mine" in line
    with a_run(account) as later:
        assert clean(later) == ()
    assert clusters_in(account) == set()


def test_a_record_that_cannot_be_written_ends_the_script_and_not_the_cleaning(account: Simulator) -> None:
    def full(call: Call) -> None:
        if call.step == "creation.create" or call.step.startswith("cleaning."):
            raise OSError("No space left on device")

    with a_run(account, sink=full) as run:
        ended = play(run, say=quiet)
    assert "No space left" in ended.failed[-1]
    assert (ended.left, left_in(account)) == ((), (0, 0, 0))


def test_a_cluster_that_is_undone_keeps_no_later_question_from_its_answer(start_simulator: Any) -> None:
    """AWS frees the EKS cluster of a deleted HyperPod cluster late: creations meet that, and it is not their answer."""
    options = Options(lifecycle_config_required=False, spot_needs_continuous=False)
    sim = start_simulator(options=options, timings=Timings(eks_release=120.0))
    calls: list[Call] = []
    with a_run(sim, sink=calls.append, interrupt="joining.pending") as run:
        assert play(run, say=quiet).failed == ("interrupted",)
    record = Record(about={}, calls=tuple(calls))
    refused = {one.option: one.answer(record) for one in QUESTIONS if hasattr(options, one.option)}
    assert (refused["lifecycle_config_required"], refused["spot_needs_continuous"]) == (False, False)
    assert [call.held for call in record.of("creation.create")][-2:] == [True, False]


def test_an_eks_cluster_of_another_owner_is_not_waited_for(start_simulator: Any) -> None:
    sim = start_simulator()
    theirs = {"Orchestrator": {"Eks": {"ClusterArn": EXAMPLE.eksClusterArn}}}
    sim.world.create_foreign_cluster("theirs", region=EXAMPLE.region, request=theirs)
    began = sim.clock.now()
    with a_run(sim) as run:
        ended = play(run, say=quiet)
    assert "already in use" in ended.failed[-1]
    assert sim.clock.now() - began < 60


def test_a_run_stops_at_its_spending_limit_and_cleans_up(account: Simulator) -> None:
    with a_run(account, limit=0.05) as run:
        ended = play(run, say=quiet)
    assert "0.05 USD" in ended.failed[-1]
    assert left_in(account)[0] == 0


def test_cleaning_leaves_alone_what_carries_another_tag(account: Simulator) -> None:
    account.world.create_foreign_cluster("hyperpod-conformance-mine", region=EXAMPLE.region, tags={RUN_TAG: "another"})
    account.world.create_foreign_cluster("hyperpod-conformance-mine-2", region=EXAMPLE.region, tags=MINE)
    with a_run(account) as run:
        assert clean(run) == ()
    assert clusters_in(account) == {"hyperpod-conformance-mine"}


def test_a_cluster_whose_tag_is_not_shown_is_reported_and_not_deleted(account: Simulator) -> None:
    account.world.create_foreign_cluster("hyperpod-conformance-mine", region=EXAMPLE.region, tags={})
    with a_run(account) as run:
        (line,) = clean(run)
    assert line.startswith("perhaps cluster hyperpod-conformance-mine: it exists without the tag")
    assert clusters_in(account) == {"hyperpod-conformance-mine"}


def test_what_cannot_be_deleted_is_named_with_a_command(account: Simulator) -> None:
    account.world.create_foreign_cluster("hyperpod-conformance-mine", region=EXAMPLE.region, tags=MINE)
    account.faults.add(Fault("DeleteCluster", "error", status=400, code="AccessDeniedException", message="no"))
    began = account.clock.now()
    with a_run(account) as run:
        left = clean(run)
    name = "hyperpod-conformance-mine"
    (line,) = left
    assert "DeleteCluster answers AccessDeniedException" in line
    assert line.endswith(f": aws sagemaker delete-cluster --cluster-name {name}")
    assert account.clock.now() - began < 600


def test_the_limit_counts_all_nodes_from_the_start() -> None:
    budget = Budget(limit=1.0, price_per_node_hour=0.5, most_nodes=2)
    budget.check(3600.0)
    with pytest.raises(OverBudgetError, match=r"1\.00 USD"):
        budget.check(3700.0)


def test_the_limit_has_to_cover_what_a_step_may_cost() -> None:
    with pytest.raises(OverBudgetError, match="scarceInstanceType"):
        Budget(limit=50.0, price_per_node_hour=0.1, most_nodes=5, reserved=98.0)


def test_a_type_that_is_scarce_has_a_price() -> None:
    with pytest.raises(ValueError, match="scarcePricePerNodeHour"):
        Target.model_validate({**EXAMPLE.model_dump(), "scarcePricePerNodeHour": None})


def test_a_scarce_type_that_aws_has_after_all_is_removed_at_once(account: Simulator) -> None:
    with a_run(account, interrupt="volumes.nodes") as run:
        play(run, say=quiet)
    asked, removed = (
        next(call.simulated_time for call in account.log.calls("UpdateCluster") if wanted in str(call.parameters))
        for wanted in ("'InstanceGroupName': 'scarce'", "'InstanceGroupsToDelete': ['scarce']")
    )
    assert removed - asked < 300


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("User: arn:aws:iam::1:user/alice is not authorized", "User: arn:aws:iam::1:user/caller is not authorized"),
        ("arn:aws:sts::1:assumed-role/Admin/alice@example.com.", "arn:aws:sts::1:assumed-role/caller"),
        ("Encoded authorization failure message: 4mB2kqW8", "Encoded authorization failure message: removed"),
    ],
)
def test_who_called_is_not_in_a_record(text: str, shown: str) -> None:
    assert Redaction([]).text(text) == shown


def test_a_record_shows_nothing_of_the_account(account: Simulator, tmp_path: Path) -> None:
    secrets = {"123456789012": "111122223333", "eks-cluster": "eks", "bucket": "scripts", "execution-role": "role"}
    writer = Writer(tmp_path / "record", about={"target": EXAMPLE.model_dump()}, redaction=Redaction(secrets.items()))
    with closing(writer), a_run(account, sink=writer, interrupt="echo.page") as run:
        play(run, say=quiet)
    text = "".join(file.read_text() for file in (tmp_path / "record").iterdir())
    for canary in (*secrets, "canary-secret-key", "TESTBED", "ResponseMetadata", "Authorization"):
        assert canary not in text


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    call = Call(step="s", service="ec2", operation="O", request={"A": [1]}, at=1.5, took=0.1, answer={"B": None})
    writer = Writer(tmp_path, about={"rounds": 3}, redaction=Redaction([]))
    with closing(writer):
        writer(call)
    assert Record.load(tmp_path) == Record(about={"format": FORMAT, "rounds": 3}, calls=(call,))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({}, "No such file"),
        ({"run.json": '{"format": 99}', "calls.jsonl": ""}, "format 99"),
        ({"run.json": '{"format": 1}', "calls.jsonl": '{"step": "s"}'}, "no readable record"),
        ({"run.json": "{", "calls.jsonl": ""}, "no readable record"),
    ],
)
def test_what_is_no_record_is_refused(content: dict[str, str], told: str, tmp_path: Path) -> None:
    for name, text in content.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(RecordError, match=told):
        Record.load(tmp_path)


def test_a_record_is_never_overwritten(tmp_path: Path) -> None:
    with closing(Writer(tmp_path, about={}, redaction=Redaction([]))), pytest.raises(RecordError, match="already"):
        Writer(tmp_path, about={}, redaction=Redaction([]))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("account: 12", "account"),
        ("{", "cannot be read"),
        ("- a", "docs/conformance.md"),
        (json.dumps({**EXAMPLE.model_dump(mode="json"), "extra": 1}), "extra"),
    ],
)
def test_wrong_settings_name_the_member(text: str, told: str, tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(text)
    with pytest.raises(TargetError, match=told):
        Target.load(file)


@pytest.mark.parametrize(
    ("option", "told"), [("--kubeconfig", "nowhere"), ("--expired-profile", "nowhere")], ids=["kubeconfig", "profile"]
)
def test_what_does_not_exist_is_named_before_anything_is_made(
    option: str, told: str, account: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in account.environment(region=EXAMPLE.region).items():
        monkeypatch.setenv(name, value)
    file = tmp_path / "settings.yaml"
    file.write_text(json.dumps(EXAMPLE.model_copy(update={"account": account.account}).model_dump(mode="json")))
    asked = ["--settings", str(file), "--account", account.account, "--spending-limit", "1", option, "nowhere"]
    refused = CliRunner().invoke(conformance, ["--record", str(tmp_path / "r"), *asked])
    assert (refused.exit_code, told in refused.output, (tmp_path / "r").exists()) == (1, True, False)
    assert not account.log.calls(mutating=True)


def test_nodes_that_cannot_be_read_are_an_answer(account: Simulator) -> None:
    def down() -> list[Any]:
        raise OSError("connection refused")

    calls: list[Call] = []
    budget = Budget(limit=1.0, price_per_node_hour=0.1, most_nodes=1)
    caller = Caller(clients={}, pace=OwnedClock(account), budget=budget, sink=calls.append, nodes=down)
    caller.kubernetes("joining.kubernetes")
    assert [(call.code, call.message, call.ok) for call in calls] == [("OSError", "connection refused", False)]


def settings_of(tmp_path: Path) -> Path:
    file = tmp_path / "settings.yaml"
    file.write_text(json.dumps(EXAMPLE.model_dump(mode="json")))
    return file


def test_another_account_than_the_credentials_is_refused(
    account: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in account.environment(region=EXAMPLE.region).items():
        monkeypatch.setenv(name, value)
    asked = ["--record", str(tmp_path / "r"), "--settings", str(settings_of(tmp_path)), "--spending-limit", "1"]
    confirmed = CliRunner().invoke(conformance, [*asked, "--account", EXAMPLE.account])
    assert confirmed.exit_code == 1
    assert f"credentials are of account {account.account}" in confirmed.output
    assert not account.log.calls(mutating=True)


def test_another_account_than_the_settings_is_refused_without_a_call(tmp_path: Path) -> None:
    asked = ["--record", str(tmp_path / "r"), "--settings", str(settings_of(tmp_path)), "--spending-limit", "1"]
    refused = CliRunner().invoke(conformance, [*asked, "--account", "999999999999"])
    assert refused.exit_code == 1
    assert "nothing was called" in refused.output


@pytest.mark.slow
def test_a_record_through_boto3s_own_configuration_agrees_with_the_simulator(
    start_simulator: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sim = start_simulator(speed=3000.0, options=Options(never_modified="empty"))
    target = EXAMPLE.model_copy(update={"account": sim.account, "failingOnCreate": None, "scarceInstanceType": None})
    file = tmp_path / "settings.yaml"
    file.write_text(json.dumps(target.model_dump(mode="json")))
    for name, value in sim.environment(region=target.region).items():
        monkeypatch.setenv(name, value)
    asked = ["--settings", str(file), "--account", sim.account, "--spending-limit", "100", "--rounds", "1"]
    recorded = CliRunner().invoke(
        conformance, ["--record", str(tmp_path / "record"), "--time-factor", "3000", *asked], catch_exceptions=False
    )
    assert recorded.exit_code == 0, recorded.output
    assert "Nothing of this run is left" in recorded.output
    compared = CliRunner().invoke(
        conformance, ["--compare", str(tmp_path / "record"), "--write-profile", str(tmp_path / "profile.json")]
    )
    assert compared.exit_code == DIFFERENT
    assert "set never_modified=empty" in compared.output
    found = profile.read((tmp_path / "profile.json").read_text()).options
    # With a clock that is 3000 times as fast, each pause of the machine's own is a lag of minutes.
    lags = {name: 0.0 for name in vars(found) if name.endswith("_lag") and name != "read_lag"}
    assert dataclasses.replace(found, **lags, read_lag={}) == Options(never_modified="empty", **lags)


@contextmanager
def command(sim: Simulator, directory: Path, *options: object) -> Iterator[subprocess.Popen[str]]:
    """The command as a process, with the clock 3000 times as fast unless the options say otherwise."""
    target = EXAMPLE.model_copy(update={"account": sim.account, "failingOnCreate": None, "scarceInstanceType": None})
    file = directory / "settings.yaml"
    file.write_text(json.dumps(target.model_dump(mode="json")))
    program = [Path(sys.executable).parent / "hyperpod-testbed", "conformance", "--record", directory / "record"]
    asked = ["--settings", file, "--account", sim.account, "--spending-limit", "100", "--time-factor", "3000"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", **sim.environment(region=target.region)}
    arguments = [str(one) for one in (*program, *asked, *options)]
    with subprocess.Popen(arguments, env=environment, stdout=subprocess.PIPE, text=True) as process:
        yield process


def lines_until(process: subprocess.Popen[str], step: str) -> list[str]:
    """What the process said before this step began."""
    assert process.stdout is not None
    return list(itertools.takewhile(lambda line: not line.startswith(step), process.stdout))


def rest_of(process: subprocess.Popen[str]) -> list[str]:
    assert process.stdout is not None
    return process.stdout.readlines()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "kill"])
def test_the_command_cleans_up_when_a_signal_ends_it(
    number: signal.Signals, start_simulator: Any, tmp_path: Path
) -> None:
    sim: Simulator = start_simulator(speed=3000.0)
    with command(sim, tmp_path) as process:
        lines_until(process, "joining")
        sim.log.wait_for("ListClusterNodes")
        process.send_signal(number)
        told = rest_of(process)
    assert process.returncode == 1
    assert "not as planned: interrupted\n" in told
    assert "Nothing of this run is left in the account.\n" in told
    assert left_in(sim) == (0, 0, 0)
    assert Record.load(tmp_path / "record").of("cleaning.delete")


@pytest.mark.slow
def test_the_command_reads_the_nodes_of_the_cluster_that_a_kubeconfig_names(
    control_plane: ControlPlane, start_simulator: Any, tmp_path: Path
) -> None:
    """A run until the nodes are there, through a real API server; then Ctrl-C."""
    sim: Simulator = start_simulator(speed=300.0, kubeconfig=control_plane.kubeconfig)
    options = ["--kubeconfig", control_plane.kubeconfig, "--time-factor", 300]
    with command(sim, tmp_path, *options) as process:
        lines_until(process, "echo")
        process.send_signal(signal.SIGINT)
        told = rest_of(process)
    sim.nodes.wait_until_in_step()
    assert "Nothing of this run is left in the account.\n" in told
    record = Record.load(tmp_path / "record")
    answers = {one.option: one.answer(record) for one in OF_NODES}
    shown = {"provider_id": "hyperpod", "network_labels": True, "attachment_labels": True}
    assert answers.items() >= shown.items()
    assert "sagemaker.amazonaws.com/node-health-status" in answers["node_labels"]
    nodes = record.of(KUBERNETES)[-1].get("Nodes")
    assert [(len(nodes), {node["Ready"] for node in nodes})] == [(3, {True})]
    assert joining(record) is not None
