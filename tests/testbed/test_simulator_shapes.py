"""The simulator's own copy of botocore's models."""

import botocore.session
import pytest

from hyperpod_testbed.simulator.shapes import service


@pytest.mark.parametrize("name", ["s3", "sagemaker", "ec2"])
def test_what_a_client_changes_in_its_model_does_not_change_the_simulators(name: str) -> None:
    """A client of S3 takes the bucket out of the paths of its session's model."""
    session = botocore.session.Session()
    shared = session.get_component("data_loader").load_service_model(name, "service-2")
    ours = service(name)
    operation = ours.operation_names[0]
    assert ours.operation_model(operation).http == shared["operations"][operation]["http"]
    assert ours.operation_model(operation).http is not shared["operations"][operation]["http"]
