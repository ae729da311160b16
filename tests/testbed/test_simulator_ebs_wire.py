"""The EC2 query protocol: forms in, XML out, EC2's words for errors, botocore's model in both directions."""

import inspect
import urllib.error
import urllib.parse
import urllib.request
from xml.etree import ElementTree

import pytest

from hyperpod_testbed.simulator import Fault, Options, shapes
from hyperpod_testbed.simulator.ebs.operations import OPERATIONS

VOLUME = {"AvailabilityZone": "us-west-2a", "Size": 100, "VolumeType": "gp3"}
NAMESPACE = "http://ec2.amazonaws.com/doc/2016-11-15/"
SCOPE = "AWS4-HMAC-SHA256 Credential=RAW/20270115/us-west-2/ec2/aws4_request, SignedHeaders=host, Signature=00"


@pytest.fixture
def over_http() -> bool:
    return True


@pytest.fixture
def ec2(sim, connect):
    return connect(sim, service="ec2")


@pytest.fixture
def form(sim):
    """Send a form to EC2, past botocore's own checks: HTTP status and the XML."""

    def send(action, **parameters):
        body = urllib.parse.urlencode({"Action": action, "Version": "2016-11-15", **parameters}).encode()
        headers = {"Authorization": SCOPE, "Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
        request = urllib.request.Request(sim.url, data=body, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, ElementTree.parse(answer).getroot()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, ElementTree.parse(error).getroot()

    return send


def error_of(answer):
    status, root = answer
    return status, root.findtext("Errors/Error/Code"), root.findtext("Errors/Error/Message")


def test_an_answer_is_xml_in_ec2s_namespace_with_a_request_id(form):
    status, root = form("DescribeVolumes")
    assert (status, root.tag) == (200, f"{{{NAMESPACE}}}DescribeVolumesResponse")
    assert root.findtext(f"{{{NAMESPACE}}}requestId")


def test_an_operation_without_output_says_return(sim, form):
    volume = sim.ebs.create_volume()
    assert form("DeleteVolume", VolumeId=volume)[1].findtext(f"{{{NAMESPACE}}}return") == "true"


def test_an_error_has_ec2s_shape(form):
    status, root = form("DescribeVolumes", **{"VolumeId.1": "vol-00000000"})
    assert (status, root.tag) == (400, "Response")
    assert root.findtext("Errors/Error/Code") == "InvalidVolume.NotFound"
    assert root.findtext("RequestID")


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"Never": "1"}, "UnknownParameter"),
        ({"Filter.1.Never": "1"}, "UnknownParameter"),
        ({"Filter.x.Name": "1"}, "UnknownParameter"),
        ({"DryRun.1": "true"}, "UnknownParameter"),
        ({"MaxResults": "many"}, "InvalidParameterValue"),
        ({"DryRun": "maybe"}, "InvalidParameterValue"),
        ({"Filter": "text"}, "InvalidParameterValue"),
        ({"Filter.1": "text"}, "InvalidParameterValue"),
    ],
)
def test_a_form_that_does_not_fit_the_model_is_refused(form, parameters, expected):
    status, code, message = error_of(form("DescribeVolumes", **parameters))
    assert (status, code) == (400, expected)
    assert next(iter(parameters)).split(".")[0] in message


def test_an_operation_that_is_not_there_is_said_so(form):
    assert error_of(form("RunInstances"))[:2] == (400, "InvalidAction")


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_every_operation_says_what_it_does_and_has_a_model(name):
    assert inspect.getdoc(OPERATIONS[name].answer)
    assert shapes.service("ec2").operation_model(name)


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_every_operation_can_be_tried_dry_and_changes_nothing(sim, ec2, code, name):
    volume = sim.ebs.create_volume()
    snapshot = ec2.create_snapshot(VolumeId=volume)["SnapshotId"]
    before = sim.ebs.volumes(), sim.ebs.snapshots()
    parameters = {
        "CreateVolume": VOLUME,
        "DeleteVolume": {"VolumeId": volume},
        "ModifyVolume": {"VolumeId": volume, "Size": 200},
        "CreateTags": {"Resources": [volume], "Tags": [{"Key": "a", "Value": "b"}]},
        "DeleteTags": {"Resources": [volume]},
        "CreateSnapshot": {"VolumeId": volume},
        "DeleteSnapshot": {"SnapshotId": snapshot},
    }.get(name, {})
    methods = {operation: method for method, operation in ec2.meta.method_to_api_mapping.items()}
    assert code(getattr(ec2, methods[name]), **parameters, DryRun=True)[0] == "DryRunOperation"
    assert (sim.ebs.volumes(), sim.ebs.snapshots()) == before


def test_a_dry_run_of_what_is_forbidden_or_wrong_says_so(sim, ec2, code):
    assert code(ec2.create_volume, **{**VOLUME, "Iops": 2**31 - 1}, DryRun=True)[0] == "InvalidParameterValue"
    sim.access.deny("CreateVolume")
    assert code(ec2.create_volume, **VOLUME, DryRun=True)[0] == "UnauthorizedOperation"


def test_ec2_has_its_own_words_for_common_errors(sim, ec2, connect, code, start_simulator):
    sim.access.deny("DescribeVolumes")
    found, message = code(ec2.describe_volumes)
    assert found == "UnauthorizedOperation"
    assert "ec2:DescribeVolumes" in message
    sim.access.expire("OLD")
    assert code(connect(sim, service="ec2", access_key="OLD").describe_snapshots)[0] == "RequestExpired"
    sim.faults.add(Fault("DescribeSnapshots", "throttle", times=1))
    assert code(ec2.describe_snapshots)[0] == "RequestLimitExceeded"
    sim.faults.add(Fault("DescribeSnapshots", "error", times=1))
    assert code(ec2.describe_snapshots)[0] == "InternalError"
    assert [call.code for call in sim.log.calls("DescribeSnapshots")] == [
        "RequestExpired", "RequestLimitExceeded", "InternalError",
    ]  # fmt: skip


def test_tags_at_creation_need_the_right_to_tag(sim, ec2, code):
    sim.access.deny("CreateTags")
    ec2.create_volume(**VOLUME)
    tags = [{"ResourceType": "volume", "Tags": [{"Key": "a", "Value": "b"}]}]
    assert "ec2:CreateTags" in code(ec2.create_volume, **VOLUME, TagSpecifications=tags)[1]


def test_ec2_and_sagemaker_have_rates_of_their_own(start_simulator, connect, code):
    sim = start_simulator(options=Options(read_rate=0.001, read_burst=1))
    aws, ec2 = connect(sim), connect(sim, service="ec2")
    aws.list_clusters()
    ec2.describe_volumes()
    assert code(ec2.describe_volumes)[0] == "RequestLimitExceeded"
    assert code(aws.list_clusters)[0] == "ThrottlingException"


def test_the_log_says_whose_operation_it_was_and_faults_can_be_told_apart(sim, aws, ec2, cluster, code):
    arn = aws.create_cluster(**cluster())["ClusterArn"]
    volume = sim.ebs.create_volume()
    sim.faults.add(Fault("ec2:DeleteTags", "error"))
    aws.delete_tags(ResourceArn=arn, TagKeys=["a"])
    assert code(ec2.delete_tags, Resources=[volume])[0] == "InternalError"
    calls = sim.log.calls("DeleteTags")
    assert [(call.service, call.code, call.mutating) for call in calls] == [
        ("sagemaker", "OK", True), ("ec2", "InternalError", True),
    ]  # fmt: skip
    assert calls[1].parameters == {"Resources": [volume]}


def test_a_denial_can_be_of_one_service(sim, aws, ec2, cluster, code):
    arn = aws.create_cluster(**cluster())["ClusterArn"]
    sim.access.deny("ec2:DeleteTags")
    aws.delete_tags(ResourceArn=arn, TagKeys=["a"])
    assert code(ec2.delete_tags, Resources=[sim.ebs.create_volume()])[0] == "UnauthorizedOperation"


def test_an_answer_against_the_model_fails_the_test_that_got_it(sim, ec2, code):
    volume = sim.ebs.create_volume()
    with sim.core.present() as inside:
        inside.account.region("us-west-2").ebs.volumes[volume].status = "dancing"
    assert code(ec2.describe_volumes)[0] == "SimulatorFault"
    assert "dancing" in sim.settings.broken_responses()[0]
    sim.settings.reset()
    assert sim.ebs.volumes() == {}


def test_a_response_is_held_to_the_model_of_ec2():
    wrong = {"VolumeId": "v", "State": "dancing", "Surplus": 1}
    assert len(shapes.response_problems("CreateVolume", wrong, model=shapes.service("ec2"))) == 2


def test_the_environment_leads_ec2_here_too(sim):
    assert sim.environment()["AWS_ENDPOINT_URL_EC2"] == sim.url


def test_zones_have_names_and_ids(ec2, code):
    found = ec2.describe_availability_zones()["AvailabilityZones"]
    assert {one["ZoneName"]: one["ZoneId"] for one in found} == {
        "us-west-2a": "usw2-az1", "us-west-2b": "usw2-az2", "us-west-2c": "usw2-az3",
    }  # fmt: skip
    assert code(ec2.describe_availability_zones, ZoneNames=["us-west-2z"])[0] == "InvalidParameterValue"


@pytest.mark.parametrize(
    ("name", "limit"),
    [
        ("g5.xlarge", (25, "shared")),
        ("g5.48xlarge", (9, "shared")),
        ("g6e.16xlarge", (48, "dedicated")),
        ("p5.48xlarge", (64, "dedicated")),
        ("p5.4xlarge", (32, "dedicated")),
        ("c5.large", (28, "shared")),
    ],
)
def test_instance_types_tell_how_many_volumes_they_take(ec2, name, limit):
    by_filter = [{"Name": "instance-type", "Values": [name]}]
    (found,) = ec2.describe_instance_types(Filters=by_filter)["InstanceTypes"]
    assert (found["EbsInfo"]["MaximumEbsAttachments"], found["EbsInfo"]["AttachmentLimitType"]) == limit


def test_an_instance_type_that_does_not_exist_is_refused_by_name(ec2, code):
    assert code(ec2.describe_instance_types, InstanceTypes=["x9.future"])[0] == "InvalidInstanceType"
