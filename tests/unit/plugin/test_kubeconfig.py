"""Which API server, who asks, and which namespace, as kubectl decides it."""

import base64
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubectl_hyperpod.cluster import kubeconfig
from kubectl_hyperpod.cluster.kubeconfig import Choice, contexts, target
from kubectl_hyperpod.errors import CommandError


def written(path: Path, **members: Any) -> str:
    config = {
        "current-context": "a",
        "contexts": [
            {"name": "a", "context": {"cluster": "one", "user": "me", "namespace": "team"}},
            {"name": "b", "context": {"cluster": "two", "user": "me"}},
        ],
        "clusters": [
            {"name": "one", "cluster": {"server": "https://one"}},
            {"name": "two", "cluster": {"server": "https://two", "insecure-skip-tls-verify": True}},
        ],
        "users": [{"name": "me", "user": {"token": "t"}}],
        **members,
    }
    path.write_text(yaml.safe_dump(config))
    return str(path)


@pytest.fixture
def file(tmp_path: Path) -> str:
    return written(tmp_path / "config")


def test_the_current_context_decides(file: str) -> None:
    found = target(Choice(kubeconfig=file), {})
    assert (found.server, found.namespace, found.token) == ("https://one", "team", "t")


def test_a_chosen_context_decides(file: str) -> None:
    found = target(Choice(kubeconfig=file, context="b"), {})
    assert (found.server, found.namespace, found.verify) == ("https://two", "default", False)


def test_flags_win(file: str) -> None:
    found = target(Choice(kubeconfig=file, namespace="n", server="https://s", token="x"), {})
    assert (found.server, found.namespace, found.token) == ("https://s", "n", "x")


def test_the_first_of_several_files_wins(tmp_path: Path, file: str) -> None:
    other = written(tmp_path / "other", clusters=[{"name": "one", "cluster": {"server": "https://late"}}])
    assert target(Choice(), {"KUBECONFIG": f"{file}:{other}:{tmp_path / 'missing'}"}).server == "https://one"


def test_the_file_in_the_home_directory_is_the_default(tmp_path: Path) -> None:
    (tmp_path / ".kube").mkdir()
    written(tmp_path / ".kube" / "config")
    assert target(Choice(), {"HOME": str(tmp_path)}).server == "https://one"


def test_contexts_are_listed_for_completion(file: str) -> None:
    assert contexts(Choice(kubeconfig=file), {}) == ["a", "b"]


def test_paths_are_relative_to_the_file_and_data_wins(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("CA")
    user = {"client-certificate-data": base64.b64encode(b"CERT").decode(), "client-key": "key.pem"}
    (tmp_path / "key.pem").write_text("KEY")
    clusters = [{"name": "one", "cluster": {"server": "https://one", "certificate-authority": "ca.pem"}}]
    file = written(tmp_path / "config", clusters=clusters, users=[{"name": "me", "user": user}])
    found = target(Choice(kubeconfig=file), {})
    assert (found.ca, found.certificate, found.key) == (b"CA", b"CERT", b"KEY")


def test_impersonation_comes_from_flags_or_the_user(tmp_path: Path, file: str) -> None:
    found = target(Choice(kubeconfig=file, as_user="jane", as_groups=("a", "b")), {})
    assert found.impersonate == {"Impersonate-User": ("jane",), "Impersonate-Group": ("a", "b")}
    user = {"name": "me", "user": {"as": "joe", "as-user-extra": {"why": ["x"]}}}
    stored = target(Choice(kubeconfig=written(tmp_path / "other", users=[user])), {})
    assert stored.impersonate == {"Impersonate-User": ("joe",), "Impersonate-Extra-why": ("x",)}


def test_a_group_without_a_user_is_refused(file: str) -> None:
    with pytest.raises(CommandError, match="need --as"):
        target(Choice(kubeconfig=file, as_groups=("a",)), {})


def test_a_pod_uses_its_own_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in (("token", "t"), ("ca.crt", "CA"), ("namespace", "ops")):
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(kubeconfig, "SERVICE_ACCOUNT", tmp_path)
    env = {"HOME": str(tmp_path), "KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "443"}
    found = target(Choice(), env)
    assert (found.server, found.namespace, found.token_file) == (
        "https://[fd00::1]:443",
        "ops",
        str(tmp_path / "token"),
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is not valid YAML, line 2"),
        ("[]", "names none"),
        ("7", "it holds no object"),
        ("clusters: [{name: a}]", "no current context"),
        ("clusters: [{name: a}]\ncontexts: [{name: a, context: {cluster: b}}]\ncurrent-context: a", "names no server"),
        ("clusters: 7", "names none"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_sentence(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "config"
    path.write_text(text)
    with pytest.raises(CommandError, match=said):
        target(Choice(kubeconfig=str(path)), {"HOME": str(tmp_path)})


def test_an_unknown_context_lists_those_there_are(file: str) -> None:
    with pytest.raises(CommandError, match=r"no context c\. It has: a, b"):
        target(Choice(kubeconfig=file, context="c"), {})


def test_secrets_are_not_in_the_repr(file: str) -> None:
    found = target(Choice(kubeconfig=file, token="very-secret"), {})
    assert "very-secret" not in repr(found)
