"""What IAM does not say of a role holds nothing back."""

from tests.unit.core.preflight.world import having, subject

from hyperpod_operator.core.preflight.checks.roles import pass_role
from hyperpod_operator.core.preflight.model import Result


def test_a_role_of_which_iam_says_nothing_is_unknown() -> None:
    (found,) = pass_role(subject(facts=having(pass_role={})))
    assert found.result is Result.UNKNOWN
