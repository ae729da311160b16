"""A conformance run: what it spends, what it shows of an account, and what it leaves behind."""

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
from click.testing import CliRunner

from hyperpod_testbed.conformance.caller import Budget, Caller, OverBudgetError, clients
from hyperpod_testbed.conformance.command import DIFFERENT, conformance
from hyperpod_testbed.conformance.compare import OwnedClock
from hyperpod_testbed.conformance.record import FORMAT, Call, Record, RecordError, Redaction, Writer
from hyperpod_testbed.conformance.run import Run
from hyperpod_testbed.conformance.session import MOST_NODES, clean, play
from hyperpod_testbed.conformance.target import EXAMPLE, RUN_TAG, Target, TargetError
from hyperpod_testbed.simulator import Fault, Simulator, profile

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


def test_what_cannot_be_deleted_is_named_with_a_command(account: Simulator) -> None:
    account.world.create_foreign_cluster("hyperpod-conformance-mine", region=EXAMPLE.region, tags=MINE)
    account.faults.add(Fault("DeleteCluster", "error", status=400, code="AccessDeniedException", message="no"))
    with a_run(account) as run:
        left = clean(run)
    name = "hyperpod-conformance-mine"
    assert left == (f"cluster {name}: aws sagemaker delete-cluster --cluster-name {name}",)


def test_the_limit_counts_all_nodes_from_the_start() -> None:
    budget = Budget(limit=1.0, price_per_node_hour=0.5, most_nodes=2)
    budget.check(3600.0)
    with pytest.raises(OverBudgetError, match=r"1\.00 USD"):
        budget.check(3700.0)


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
    sim = start_simulator(speed=3000.0, options=profile.read('{"options": {"never_modified": "empty"}}'))
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
    assert profile.read((tmp_path / "profile.json").read_text()).never_modified == "empty"
