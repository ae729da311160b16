"""What an answer of the API server to a dry run means."""

import pytest

from hyperpod_operator.core.preview.server import ServerCheck, server_check

POLICY = """hyperpodclusters.hyperpod-operator.dev "blue" is forbidden: ValidatingAdmissionPolicy 'x' with binding 'x' \
denied request: approving needs the verb approve"""
RIGHTS = (
    'hyperpodclusters.hyperpod-operator.dev "blue" is forbidden: User "jane" cannot update resource "hyperpodclusters" '
    'in API group "hyperpod-operator.dev" in the namespace "team"'
)


@pytest.mark.parametrize("status", [200, 201])
def test_a_manifest_that_the_server_takes(status: int) -> None:
    assert server_check(status=status, message="", warnings=("w",)) == ServerCheck(warnings=("w",))


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (400, 'strict decoding error: unknown field "spec.x"'),
        (422, "spec: Invalid value"),
        (413, "too large"),
        (403, POLICY),
        (403, 'resourcequotas "q" is forbidden: exceeded quota'),
    ],
)
def test_what_is_wrong_with_the_content_is_a_rejection(status: int, message: str) -> None:
    assert server_check(status=status, message=message) == ServerCheck(rejected=message)


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (0, "no answer"),
        (401, "Unauthorized"),
        (403, RIGHTS),
        (404, 'namespaces "team" not found'),
        (409, "the object has been modified"),
        (429, "slow down"),
        (503, "not ready"),
    ],
)
def test_everything_else_says_nothing_about_the_content(status: int, message: str) -> None:
    assert server_check(status=status, message=message) == ServerCheck(unasked=message)
