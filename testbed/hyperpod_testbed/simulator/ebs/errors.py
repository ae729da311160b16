"""EC2's errors about volumes, and how SageMaker passes them on."""

from hyperpod_testbed.simulator.errors import AwsError, validation
from hyperpod_testbed.simulator.simulation import Simulation

_SENTENCES = {
    "VolumeInUse": "The volume is in use by another resource.",
    "InvalidVolume.ZoneMismatch": "The volume and the node are in different Availability Zones.",
    "IncorrectState": "The volume or the node is not in a state that allows the operation.",
}


def volume_not_found(*ids: str) -> AwsError:
    """InvalidVolume.NotFound; EC2 names all that are missing."""
    listed = ", ".join(ids)
    noun, verb = ("volume", "does") if len(ids) == 1 else ("volumes", "do")
    return AwsError("InvalidVolume.NotFound", f"The {noun} '{listed}' {verb} not exist.")


def snapshot_not_found(*ids: str) -> AwsError:
    """InvalidSnapshot.NotFound."""
    listed = ", ".join(ids)
    noun, verb = ("snapshot", "does") if len(ids) == 1 else ("snapshots", "do")
    return AwsError("InvalidSnapshot.NotFound", f"The {noun} '{listed}' {verb} not exist.")


def invalid(message: str) -> AwsError:
    """InvalidParameterValue."""
    return AwsError("InvalidParameterValue", message)


def combination(message: str) -> AwsError:
    """InvalidParameterCombination."""
    return AwsError("InvalidParameterCombination", message)


def missing(*names: str) -> AwsError:
    """MissingParameter."""
    return AwsError("MissingParameter", f"The request must contain the parameter(s): {', '.join(names)}")


def incorrect_state(message: str) -> AwsError:
    """IncorrectState."""
    return AwsError("IncorrectState", message)


def in_use(volume_id: str) -> AwsError:
    """VolumeInUse."""
    return AwsError("VolumeInUse", f"{volume_id} is already attached to an instance")


def wrapped(sim: Simulation, error: AwsError) -> AwsError:
    """What SageMaker makes of an error of EC2: ValidationException with EC2's code in the text.

    That form is known of some codes only, so an option takes it from the others.
    """
    if sim.options.ec2_errors == "plain" and error.code in _SENTENCES:
        return validation(_SENTENCES[error.code])
    return validation(f"HyperPod - Ec2ErrCode: {error.code} : Ec2ErrMsg: {error.message}")


def require_wet(dry: bool) -> None:
    """End a request that only asks whether it would be allowed: it would."""
    if dry:
        raise AwsError("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", status=412)


def model_refusal(problems: list[str]) -> AwsError:
    """A request that the model forbids, as EC2 refuses it: the first problem only."""
    first = problems[0]
    code = "InvalidParameterValue"
    if "must not be null" in first:
        code = "MissingParameter"
    elif "is not known" in first:
        code = "UnknownParameter"
    elif "at 'instanceTypes." in first:
        code = "InvalidInstanceType"
    return AwsError(code, first)
