"""Tokens, certificates and exec plugins, with plugins that are real processes."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from kubectl_hyperpod.cluster.credentials import credentials
from kubectl_hyperpod.cluster.kubeconfig import Target
from kubectl_hyperpod.errors import CommandError


def plugin(code: str, **members: Any) -> Target:
    made = {"apiVersion": "client.authentication.k8s.io/v1", "command": sys.executable, "args": ["-c", code], **members}
    info = {"server": "https://s", "insecure": False, "ca": b"CA", "cluster": {}}
    return Target(server="https://s", exec={**made, "info": info})


def printing(status: object) -> str:
    return f"print({json.dumps({'kind': 'ExecCredential', 'status': status})!r})"


def test_a_token_is_a_bearer() -> None:
    assert credentials(Target(server="s", token="t")).headers == {"Authorization": "Bearer t"}


def test_a_token_file_is_read_each_time(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("first\n")
    assert credentials(Target(server="s", token_file=str(path))).headers == {"Authorization": "Bearer first"}
    path.write_text("second")
    assert credentials(Target(server="s", token_file=str(path))).headers == {"Authorization": "Bearer second"}


def test_what_stands_around_a_token_is_no_part_of_it() -> None:
    assert credentials(Target(server="s", token="t\n")).headers == {"Authorization": "Bearer t"}
    assert credentials(plugin(printing({"token": "t\r\n"}))).headers == {"Authorization": "Bearer t"}


def test_a_token_file_that_is_no_text_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(CommandError, match="it is no text"):
        credentials(Target(server="s", token_file=str(path)))


def test_user_and_password_are_basic() -> None:
    assert credentials(Target(server="s", basic="u:p")).headers == {"Authorization": "Basic dTpw"}


def test_a_plugin_gives_a_token() -> None:
    assert credentials(plugin(printing({"token": "t"}))).headers == {"Authorization": "Bearer t"}


def test_a_plugin_gives_a_certificate() -> None:
    found = credentials(plugin(printing({"clientCertificateData": "C", "clientKeyData": "K"})))
    assert (found.headers, found.certificate, found.key) == ({}, b"C", b"K")


def test_a_plugin_gets_its_environment_and_the_cluster() -> None:
    code = (
        "import json, os; info = json.loads(os.environ['KUBERNETES_EXEC_INFO']); "
        "print(json.dumps({'status': {'token': os.environ['MORE'] + info['spec']['cluster']['server']}}))"
    )
    found = credentials(plugin(code, env=[{"name": "MORE", "value": "x-"}], provideClusterInfo=True))
    assert found.headers == {"Authorization": "Bearer x-https://s"}


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import sys; sys.exit('no session: run aws sso login')", "ended with code 1: no session: run aws sso login"),
        ("print('hello')", "printed no ExecCredential"),
        (printing({}), "neither a token nor a client certificate"),
    ],
)
def test_a_plugin_that_fails_is_one_sentence(code: str, said: str) -> None:
    with pytest.raises(CommandError, match=said):
        credentials(plugin(code))


def test_a_plugin_that_is_not_installed_shows_its_hint() -> None:
    target = Target(server="s", exec={"command": "no-such-plugin", "installHint": "Get it there."})
    with pytest.raises(CommandError, match=r"no-such-plugin is not installed\. Get it there\."):
        credentials(target)


def test_credentials_are_not_in_the_repr() -> None:
    assert "secret" not in repr(credentials(Target(server="s", token="secret")))
