"""Clusters that others made are exported, applied and adopted; the only calls are those for tags."""

import asyncio
import json
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from click.testing import CliRunner, Result
from tests.unit.controllers.rig import Rig
from tests.unit.core.export.payloads import PAYLOADS

from hyperpod_operator import cli

SETTLED = 7200.0
"""Simulated seconds after which AWS has made every cluster of these payloads."""


def create(rig: Rig, request: dict[str, Any]) -> None:
    client = boto3.client("sagemaker", region_name="us-west-2")
    client.create_cluster(**request)
    client.close()
    rig.simulator.clock.advance(SETTLED)
    rig.simulator.log.clear()


def export(*args: str | Path) -> Result:
    return CliRunner().invoke(cli.main, ["export", *(str(arg) for arg in args)])


async def exported(*args: str | Path) -> Result:
    """In a thread, because the command has an event loop of its own."""
    return await asyncio.to_thread(export, *args)


@pytest.mark.parametrize("name", PAYLOADS)
async def test_an_exported_cluster_is_adopted_with_no_call_but_for_tags(rig: Rig, name: str) -> None:
    request = PAYLOADS[name]
    create(rig, request)
    done = await exported(request["ClusterName"], "--region", "us-west-2")
    assert done.exit_code == 0, done.output
    spec = yaml.safe_load(done.stdout)["spec"]
    del spec["region"]
    rig.apply(spec)
    await rig.rest()
    assert rig.condition("Ready").get("status") == "True", rig.status
    assert set(rig.operations()) == {"AddTags"}
    assert (rig.status["plan"]["state"], rig.status["plan"].get("actions")) == ("None", None)


@pytest.mark.parametrize("name", ["restricted-groups", "efa-workshop"])
async def test_a_request_in_a_file_is_the_same_cluster(rig: Rig, name: str, tmp_path: Path) -> None:
    request = PAYLOADS[name]
    create(rig, request)
    path = tmp_path / "cluster-config.json"
    path.write_text(json.dumps(request))
    done = await exported(path)
    assert done.exit_code == 0, done.output
    spec = yaml.safe_load(done.stdout)["spec"]
    del spec["region"]
    rig.apply(spec)
    await rig.rest()
    assert rig.condition("Ready").get("status") == "True", rig.status
    assert set(rig.operations()) == {"AddTags"}
    assert (rig.status["plan"]["state"], rig.status["plan"].get("actions")) == ("None", None)
