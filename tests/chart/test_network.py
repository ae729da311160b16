"""Who reaches which port, and who may read the metrics."""

import pytest

from hyperpod_testbed.helm import Helm, HelmError


def test_authentication_without_tls_is_refused(helm: Helm) -> None:
    with pytest.raises(HelmError, match=r"metrics\.tls\.secretName"):
        helm.render(values={"metrics": {"authentication": {"enabled": True}}})


def test_a_pod_monitor_cannot_borrow_prometheus_token(helm: Helm) -> None:
    metrics = {"authentication": {"enabled": True}, "tls": {"secretName": "certificate"}}
    with pytest.raises(HelmError, match=r"podMonitor\.authorization"):
        helm.render(values={"metrics": metrics, "podMonitor": {"enabled": True}})


def test_by_default_nobody_reaches_the_port_of_the_probes(helm: Helm) -> None:
    """What comes from the pod's own node, the kubelet, a NetworkPolicy always lets in."""
    (policy,) = [found for found in helm.objects() if found["kind"] == "NetworkPolicy"]
    assert policy["spec"]["policyTypes"] == ["Ingress"]
    assert policy["spec"]["ingress"] == [{"ports": [{"port": "metrics"}]}]
    (deployment,) = [found for found in helm.objects() if found["kind"] == "Deployment"]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert container[probe]["httpGet"]["port"] == "probes"


def test_what_goes_out_is_held_only_where_it_is_asked_for(helm: Helm) -> None:
    (policy,) = [
        found
        for found in helm.objects(values={"networkPolicy": {"restrictEgress": True}})
        if found["kind"] == "NetworkPolicy"
    ]
    assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert policy["spec"]["egress"]
