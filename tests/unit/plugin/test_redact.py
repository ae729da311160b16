"""Canaries: a secret of each kind is planted in each place of a bundle, and none comes out."""

import tarfile
import time
from pathlib import Path

import pytest
from tests.unit.core.explain import worlds
from tests.unit.core.explain.worlds import unready
from tests.unit.plugin.fake import LEASES, NODE, run, server

from kubectl_hyperpod import redact

CANARIES = {
    "access key": ("AKIAIOSFODNN7CANARY1", "AKIAIOSFODNN7CANARY1"),
    "session key": ("ASIAIOSFODNN7CANARY2", "ASIAIOSFODNN7CANARY2"),
    "secret key": ("aws_secret_access_key = wJalrXUtnFEMIcanary3", "wJalrXUtnFEMIcanary3"),
    "password": ('{"db-password": "canary4"}', "canary4"),
    "bearer": ("Authorization: Bearer canary5.abcdef", "canary5"),
    "jwt": ("eyJhbGciOiJSUzI1NiJ9.eyJjYW5hcnk2IjoxfQ.c2ln", "eyJjYW5hcnk2IjoxfQ"),
    "eks token": ("k8s-aws-v1.aHR0cHM6canary7", "canary7"),
    "presigned": ("https://s3/x?X-Amz-Signature=canary8&a=b", "canary8"),
    "url": ("https://user:canary9@proxy.example.com", "canary9"),
    "private key": ("-----BEGIN RSA PRIVATE KEY-----\ncanary10\n-----END RSA PRIVATE KEY-----", "canary10"),
    "github": ("ghp_canary11canary11canary11", "canary11"),
    "github, refresh": ("ghr_canary13canary13canary13", "canary13"),
    "github, fine-grained": ("github_pat_11ABCDEFG0canary14_canary14canary14", "canary14"),
    "gitlab": ("glpat-canary15canary15xx", "canary15"),
    "hugging face": ("hf_canary16canary16canary16", "canary16"),
    "nvidia": ("nvapi-canary17-canary17_canary17", "canary17"),
    "slack": ("xoxb-123456789012-canary18canary18", "canary18"),
    "query": ("api_key=canary12&x=1", "canary12"),
    "value that is a pair": ("note: my-password=canary19", "canary19"),
    "base64 of JSON": ("eyJhdXRocyI6eyJjYW5hcnkyMCI6e30", "eyJhdXRocyI6eyJjYW5hcnkyMCI6e30"),
}


@pytest.mark.parametrize(("words", "secret"), CANARIES.values(), ids=CANARIES)
def test_a_secret_is_taken_out_of_text(words: str, secret: str) -> None:
    assert secret not in redact.text(f"before {words} after")


LONG = {
    "names": "token" * 50_000,
    "blanks": "token" * 25_000 + " " * 125_000,
    "backslashes": "token" * 25_000 + "\\" * 125_000,
    "no jwt": "eyJ" + "-eyJaaaaaaaa" * 20_000,
    "jwts": "eyJaaaaaaaa." * 20_000,
    "beginnings": "-----BEGIN " * 23_000,
    "bearers": "bearer " * 36_000,
    "equals": "token = " * 32_000,
    "addresses": "://a:" * 50_000,
}


@pytest.mark.parametrize("words", LONG.values(), ids=LONG)
def test_an_annotation_of_anybody_costs_little_time(words: str) -> None:
    """As much as the API server takes (256 KiB): its owner would hold up every report."""
    before = time.process_time()
    redact.text(words)
    redact.value({"name": words, "value": "x", words: "y", f"{words}!": "z"})
    assert time.process_time() - before < 5


@pytest.mark.parametrize(
    "words",
    [
        "The credentials are wrong (ExpiredToken)",
        "arn:aws:iam::111122223333:role/hyperpod-execution",
        "UpdateCluster of gpu: InsufficientCapacity",
        "The Secret my-secret is missing",
    ],
)
def test_what_support_needs_stays(words: str) -> None:
    assert redact.text(words) == words


def test_a_pair_whose_key_is_that_of_a_secret_loses_its_value() -> None:
    made = redact.value({"tags": [{"key": "db-password", "value": "x"}, {"key": "team", "value": "ml"}]})
    assert made == {"tags": [{"key": "db-password", "value": "REDACTED"}, {"key": "team", "value": "ml"}]}


def test_environment_variables_keep_their_names_alone() -> None:
    pod = {"metadata": {"managedFields": [1]}, "spec": {"containers": [{"env": [{"name": "A", "value": "x"}]}]}}
    assert redact.resource(pod) == {"metadata": {}, "spec": {"containers": [{"env": [{"name": "A"}]}]}}


def planted() -> str:
    return " ; ".join(words for words, _ in CANARIES.values())


def contents(path: Path) -> dict[str, str]:
    with tarfile.open(path) as archive:
        found = {one.name.partition("/")[2]: archive.extractfile(one) for one in archive.getmembers()}
        return {name: file.read().decode() for name, file in found.items() if file is not None}


@pytest.fixture
def bundle(tmp_path: Path) -> dict[str, str]:
    """A bundle of a world that has every canary in every place that it reads."""
    cluster = unready("SpecRejected", message=planted(), stalled=True, failureMessage=planted())
    cluster["metadata"]["annotations"] = {
        "note": planted(),
        "kubectl.kubernetes.io/last-applied-configuration": planted(),
    }
    cluster["spec"]["tags"] = [{"key": "password", "value": "canary13"}, {"key": "note", "value": planted()}]
    fake = server(cluster, claims=(worlds.claim(),))
    where = "/api/v1/namespaces/hyperpod-operator/pods"
    pod = {
        "metadata": {"name": "hyperpod-operator-0"},
        "spec": {"containers": [{"env": [{"name": "AWS_SECRET_ACCESS_KEY", "value": "canary14"}]}]},
    }
    fake.objects |= {
        where: [pod],
        f"{where}/hyperpod-operator-0/log": {"log": planted()},
        f"{where}/hyperpod-operator-0:8080/proxy/metrics": {"metric": planted()},
        "/version": {"gitVersion": "v1.34.0"},
        "/apis/events.k8s.io/v1/namespaces/team/events": [
            {
                "metadata": {"name": "e"},
                "note": planted(),
                "regarding": {"apiVersion": "hyperpod-operator.dev/v1alpha1", "kind": "HyperPodCluster", "uid": "u1"},
            }
        ],
        "/api/v1/nodes": [{**NODE, "metadata": {**NODE["metadata"], "annotations": {"x": planted()}}}],  # type: ignore[dict-item]
    }
    path = tmp_path / "report.tar.gz"
    ended = run(fake, "report", "--file", str(path))
    assert ended.exit_code == 0, ended.output
    assert [one for one in fake.sent if "secrets" in one[1] or "configmaps" in one[1]] == []
    return contents(path)


@pytest.mark.parametrize("secret", [*(secret for _, secret in CANARIES.values()), "canary13", "canary14"])
def test_no_canary_is_in_the_bundle(bundle: dict[str, str], secret: str) -> None:
    assert [name for name, text in bundle.items() if secret in text] == []


def test_the_bundle_has_what_support_asks_for(bundle: dict[str, str]) -> None:
    assert {
        "resources/hpc-research.yaml",
        "resources/evc-cache.yaml",
        "explain/hpc-research.txt",
        "events.yaml",
        "nodes.yaml",
        "operator/lease.yaml",
        "operator/hyperpod-operator-0.log",
        "operator/hyperpod-operator-0.metrics",
        "versions/plugin.txt",
        "versions/kubernetes.json",
        "missing.txt",
    } <= set(bundle)


def test_a_part_that_may_not_be_read_is_listed(tmp_path: Path) -> None:
    fake = server(unready("Scaling"))
    fake.refused = {"/api/v1/nodes": 403, LEASES: 403}
    path = tmp_path / "r.tar.gz"
    run(fake, "report", "--file", str(path))
    assert "Nodes: The API server refused" in contents(path)["missing.txt"]


def test_a_report_is_its_owners_alone_and_overwrites_nothing(tmp_path: Path) -> None:
    path = tmp_path / "r.tar.gz"
    run(server(unready("Scaling")), "report", "--file", str(path))
    assert path.stat().st_mode & 0o777 == 0o600
    assert "exists; choose another" in run(server(unready("Scaling")), "report", "--file", str(path)).stderr
